"""Oracle and engine against the control-plane vectors of cluster-and-policies.md section 18."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from blis.config import KV, Admission, Cluster, Compat, Instance, LatencyModel, Routing, Scenario, Scorer
from blis.engine import run as engine
from blis.workload.assemble import table_from_tokens
from tests.oracle import OracleRequest, Setup
from tests.oracle import simulate as simulate_plainly


def _tokens(*inclusive: tuple[int, int]) -> tuple[int, ...]:
    return tuple(token for first, last in inclusive for token in range(first, last + 1))


REQUESTS = [
    OracleRequest(arrival_us, prompt, _tokens((900, 899 + outputs)), request_id=f"request_{row}")
    for row, (arrival_us, prompt, outputs) in enumerate(
        [
            (0, _tokens((1, 16)), 4),
            (0, _tokens((101, 108)), 6),
            (1000, _tokens((1, 12), (201, 204)), 4),
            (2000, _tokens((301, 302)), 8),
            (2000, _tokens((1, 16)), 2),
            (10_000, _tokens((101, 112)), 3),
            (20_000, _tokens((1, 20)), 5),
            (20_000, _tokens((401, 440)), 2),
        ]
    )
]
SETUP = Setup(
    alpha=(1000, 10, 50),
    beta=(5000, 20, 100),
    block_size_tokens=4,
    kv_blocks=100,
    instances=3,
)
ROUND_ROBIN_TARGETS = [0, 1, 2, 0, 1, 2, 0, 1]
ROUND_ROBIN_E2E = [27470, 38610, 27570, 51650, 20210, 23520, 33500, 18410]
BY_KV = (("kv-utilization", 1.0),)


def simulate_fast(setup: Setup, requests: Sequence[OracleRequest], compat: Compat) -> Any:
    """The engine on what the oracle was given."""
    table = table_from_tokens(
        [request.arrival_us for request in requests],
        [request.prompt for request in requests],
        [request.output for request in requests],
    )
    cluster = Cluster(
        instances=setup.instances,
        admission=Admission(setup.admission, setup.admission_latency_us, dict(setup.admission_parameters)),
        routing=Routing(
            setup.routing,
            setup.routing_latency_us,
            setup.snapshot_refresh_us,
            scorers=tuple(Scorer(*scorer) for scorer in setup.scorers),
        ),
    )
    instance = Instance(LatencyModel(alpha=setup.alpha, beta=setup.beta), KV(setup.kv_blocks, setup.block_size_tokens))
    return engine.simulate(Scenario(instance, cluster), table, compat)


@pytest.fixture(params=[simulate_plainly, simulate_fast], ids=["oracle", "engine"])
def simulate(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Either simulator."""
    return request.param


def weighted(*scorers: tuple[str, float]) -> Setup:
    return replace(SETUP, routing="weighted", scorers=scorers)


@pytest.mark.parametrize(
    ("setup", "targets", "e2e_us", "end_us", "hit_rate"),
    [
        (SETUP, ROUND_ROBIN_TARGETS, ROUND_ROBIN_E2E, 48000, 0.0889),
        (replace(SETUP, routing="least-loaded"), ROUND_ROBIN_TARGETS, ROUND_ROBIN_E2E, 48000, 0.0889),
        (weighted(("load-balance", 1.0)), ROUND_ROBIN_TARGETS, ROUND_ROBIN_E2E, 48000, 0.0889),
        (
            replace(SETUP, routing="weighted"),
            [0, 1, 0, 2, 0, 1, 0, 2],
            [27610, 37470, 31770, 48210, 20410, 22320, 33140, 19810],
            47740,
            0.2130,
        ),
        (
            weighted(("prefix-affinity", 1.0), ("queue-depth", 1.0)),
            [0, 1, 2, 0, 2, 1, 2, 0],
            [27470, 37470, 27310, 51970, 21210, 22320, 32080, 18470],
            48420,
            0.2206,
        ),
        (
            weighted(*BY_KV),
            [0, 0, 0, 1, 1, 2, 1, 1],
            [33190, 38190, 32190, 49110, 22030, 21860, 35960, 20510],
            50560,
            0.1227,
        ),
        (
            replace(weighted(*BY_KV), snapshot_refresh_us=5000),
            [0, 0, 0, 0, 0, 1, 2, 2],
            [33730, 38830, 32730, 52130, 20930, 21860, 33300, 23050],
            48580,
            0.0556,
        ),
        (
            replace(SETUP, routing="prefix-affinity"),
            [0, 1, 2, 0, 0, 1, 2, 0],
            [27570, 37470, 27130, 52070, 20370, 22320, 32160, 18570],
            48520,
            0.1667,
        ),
        (
            replace(SETUP, routing="always-busiest"),
            [0] * 8,
            [35870, 40390, 34870, 53890, 21090, 25820, 35740, 20190],
            50240,
            0.0750,
        ),
        (
            replace(SETUP, routing="least-loaded", admission_latency_us=300, routing_latency_us=700),
            ROUND_ROBIN_TARGETS,
            [e2e + 1000 for e2e in ROUND_ROBIN_E2E],
            49000,
            0.0889,
        ),
    ],
    ids=[
        "round-robin",
        "least-loaded",
        "load-balance",
        "default",
        "prefix-queue",
        "kv",
        "kv-stale",
        "affinity",
        "busiest",
        "latencies",
    ],
)
def test_targets_and_latencies(
    simulate: Callable[..., Any],
    setup: Setup,
    targets: list[int],
    e2e_us: list[int],
    end_us: int,
    hit_rate: float,
) -> None:
    result = simulate(setup, REQUESTS, Compat.original())
    assert list(result.instance) == targets
    assert list(result.e2e_us) == e2e_us
    assert result.end_us == end_us
    rates = [
        counters["hit_blocks"] / max(counters["hit_blocks"] + counters["miss_blocks"], 1)
        for counters in result.instances
    ]
    assert round(sum(rates) / len(rates), 4) == hit_rate


def test_a_token_bucket_rejects_what_it_cannot_pay(simulate: Callable[..., Any]) -> None:
    numbers = {"capacity_tokens": 40.0, "refill_tokens_per_s": 1000.0}
    bucket = replace(SETUP, admission="token-bucket", admission_parameters=numbers)
    result = simulate(bucket, REQUESTS, Compat.original())
    assert list(result.instance) == [0, 1, 2, 0, -1, -1, -1, -1]
    assert list(result.e2e_us[:4]) == [27470, 37190, 27130, 51070]
    assert result.status_names()[4:] == ["rejected"] * 4
    assert result.end_us == 47520


def test_time_to_first_token(simulate: Callable[..., Any]) -> None:
    round_robin = simulate(SETUP, REQUESTS, Compat.original())
    assert list(round_robin.ttft_us) == [6530, 6290, 6530, 9670, 9710, 7970, 7250, 7910]
    busiest = simulate(replace(SETUP, routing="always-busiest"), REQUESTS, Compat.original())
    assert list(busiest.ttft_us) == [11830, 6290, 10830, 9830, 9830, 7410, 9290, 9290]


def test_admission_and_routing_latency_add_to_every_latency(simulate: Callable[..., Any]) -> None:
    setup = replace(SETUP, routing="least-loaded", admission_latency_us=300, routing_latency_us=700)
    result = simulate(setup, REQUESTS, Compat.original())
    assert list(result.ttft_us) == [7530, 7290, 7530, 10670, 10710, 8970, 8250, 8910]
