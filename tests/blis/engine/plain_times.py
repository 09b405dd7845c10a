"""Deployments whose times can be told by hand: every step takes 100 µs, requests are queued at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from blis.config import KV, Cluster, Instance, LatencyModel, Pool, Routing, Scenario
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens

STEP_US = 100


def deployment(
    instances: int = 1,
    *,
    blocks: int = 1000,
    pools: Sequence[Pool] = (),
    horizon_us: int | None = None,
    slo_tiers: dict[str, Any] | None = None,
    engine: dict[str, Any] | None = None,
    **cluster: Any,
) -> Scenario:
    """Instances with blocks of 4 tokens; a request with n output tokens runs for n steps.

    engine: fields of Instance; the others are those of Cluster.
    """
    cluster.setdefault("routing", Routing("least-loaded"))
    return Scenario(
        Instance(**{"latency_model": LatencyModel(beta=(STEP_US, 0, 0)), "kv": KV(blocks, 4), **(engine or {})}),
        Cluster(instances, **cluster),
        tuple(pools),
        slo_tiers or {},
        horizon_us,
    )


def requests(
    arrivals_us: Sequence[int],
    outputs: int | Sequence[int] = 1,
    prompts: Sequence[Sequence[int]] | None = None,
    answers: Sequence[Sequence[int]] | None = None,
    **columns: Any,
) -> RequestTable:
    """Requests with these numbers of output tokens; prompts are 8 tokens of their own if none are given.

    answers: what they generate, if anybody is to ask for it again; instead of `outputs`. What is drawn for their
    ties is the first instance.
    """
    n = len(arrivals_us)
    lengths = [outputs] * n if isinstance(outputs, int) else list(outputs)
    texts = prompts or [range(1000 * row, 1000 * row + 8) for row in range(n)]
    answers = answers or [range(-1000 * row - 1, -1000 * row - 1 - length, -1) for row, length in enumerate(lengths)]
    table = table_from_tokens(arrivals_us, [list(text) for text in texts], [list(answer) for answer in answers])
    types = {"slo_class": np.int16, "tenant": np.int32, "session": np.int32, "placement": np.int16}
    arrays = {name: np.array(values, types[name]) if name in types else values for name, values in columns.items()}
    if "tenant" in columns:
        arrays["tenant_names"] = tuple(f"t{number}" for number in range(max(columns["tenant"]) + 1))
    return replace(table, **{"uniform": np.zeros(n), **arrays}, cache={})
