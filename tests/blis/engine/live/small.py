"""A live run of a small cluster: 10 ms a step, 10 µs a token."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import KV, Batch, Cluster, Instance, LatencyModel, Scenario
from blis.engine.live.live import Live
from blis.engine.live.rooms import Limits

LIMITS = Limits(requests=16, nodes=256, tokens=2000, tenants=3, sessions=2)


def scenario(blocks: int = 100, instances: int = 1, max_running: int = 8, **instance: Any) -> Scenario:
    return Scenario(
        instance=Instance(
            latency_model=LatencyModel(beta=(10_000.0, 10.0, 10.0)),
            kv=KV(blocks=blocks, block_size_tokens=4),
            batch=Batch(max_running=max_running),
            **instance,
        ),
        cluster=Cluster(instances=instances),
    )


def live(**changes: Any) -> Live:
    limits = {name: changes.pop(name) for name in ("requests", "nodes") if name in changes}
    return Live(scenario(**changes), limits=replace(LIMITS, **limits))


def tokens(first: int, count: int) -> NDArray[np.int64]:
    return np.arange(first, first + count)
