"""A small service: instances with 10 ms a step and 10 µs a token, a thousand times as fast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from blis.config import KV, Admission, Batch, Cluster, FlowControl, Instance, LatencyModel, Scenario
from blis.engine.live.live import Live
from blis.engine.live.rooms import Limits
from blis.serve.app import make_app
from blis.serve.fleet import Fleet
from blis.serve.lengths import Lengths
from blis.serve.service import Service

MODEL = "small"
LIMITS = Limits(requests=64, nodes=4096, tokens=4000, tenants=3, sessions=4)


def scenario(
    admission: Admission | None = None, flow_control: FlowControl | None = None, instances: int = 2, running: int = 8
) -> Scenario:
    return Scenario(
        instance=Instance(
            latency_model=LatencyModel(beta=(10_000.0, 10.0, 10.0)),
            kv=KV(blocks=500, block_size_tokens=4),
            batch=Batch(max_running=running),
        ),
        cluster=Cluster(
            instances=instances,
            admission=admission or Admission(),
            flow_control=flow_control or FlowControl(),
        ),
    )


def fleet(speed: float = 1000.0, **parts: Any) -> Fleet:
    clock = {"clock": parts.pop("clock")} if "clock" in parts else {}
    return Fleet(Live(scenario(**parts), ("", "critical", "batch"), LIMITS), speed, **clock)


def service(speed: float = 1000.0, lengths: Lengths | None = None, **parts: Any) -> Service:
    return Service(fleet(speed, **parts), MODEL, "weighted", 1000, lengths or Lengths())


@contextmanager
def client(made: Service | None = None, **parts: Any) -> Iterator[TestClient]:
    with TestClient(make_app(made or service(**parts))) as found:
        yield found


def events(text: str) -> list[Any]:
    """The events of a stream; the last must say that it is over."""
    lines = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]
