"""The oracle's schedulers, priorities and preemption, worked out by hand (docs/policies.md section 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from blis.config import Compat, SloTier
from tests.oracle import OracleRequest, Setup, simulate
from tests.oracle.engine import Job
from tests.oracle.order import least_urgent
from tests.oracle.setup import Machine
from tests.vectors.test_step_by_step import SETUP, V9, request

ONE_BY_ONE = replace(SETUP, max_running=1)
#: Keeps the instance busy until all others wait.
FIRST = replace(request(0, 8, 12), draws={"length-1": 0.0, "length-2": 0.0})


def admitted(setup: Setup, requests: list[OracleRequest], compat: Compat | None = None) -> list[int]:
    """Return the rows after the first in order of admission."""
    scheduled = simulate(setup, [FIRST, *requests], compat).scheduled_us
    return sorted(range(1, len(scheduled)), key=lambda row: scheduled[row])


def classed(arrival_us: int, name: int, slo_class: str, input_tokens: int = 4) -> OracleRequest:
    return replace(request(arrival_us, input_tokens, 1, name), slo_class=slo_class)


@pytest.mark.parametrize(
    ("priority", "parameters", "arrivals", "expected"),
    [
        ("class-age", {}, [(100, "batch"), (200, "critical"), (300, "unheard-of")], [2, 3, 1]),
        # 1000 a second: -1 - 0.1, 4 - 5, 4 - 6
        ("class-age", {"age_per_s": 1000}, [(100, "batch"), (5000, "critical"), (6000, "critical")], [2, 1, 3]),
        # 60000 a minute: -2 - 0.1, 6 - 7.9, 6 - 8.2
        ("slo-tiers", {"boost_per_minute": 60_000}, [(100, "lead"), (7900, "gold"), (8200, "gold")], [2, 1, 3]),
        ("slo-tiers", {}, [(100, "lead"), (7900, "gold"), (8200, "gold")], [2, 3, 1]),
        # due at 5100, 5000, 5200
        ("deadline", {}, [(100, "slow"), (4000, "fast"), (4200, "fast")], [2, 1, 3]),
        ("inverted-slo", {}, [(100, ""), (200, ""), (300, "")], [3, 2, 1]),
    ],
)
def test_priorities(
    priority: str, parameters: Mapping[str, float], arrivals: list[tuple[int, str]], expected: list[int]
) -> None:
    tiers = {"gold": SloTier(2, 3), "lead": SloTier(-1, 2), "slow": SloTier(ttft_ms=5), "fast": SloTier(ttft_ms=1)}
    setup = replace(ONE_BY_ONE, scheduler="priority-fcfs", priority=priority, slo_tiers=tiers)
    setup = replace(setup, priority_parameters=parameters)
    requests = [classed(arrival, row, name) for row, (arrival, name) in enumerate(arrivals, 1)]
    assert admitted(setup, requests) == expected
    assert admitted(replace(setup, scheduler="reverse-priority"), requests) == expected[::-1]


def test_slack_counts_the_prefill_to_come() -> None:
    setup = replace(ONE_BY_ONE, scheduler="priority-fcfs", priority="slack", slo_tiers={"default": SloTier(ttft_ms=5)})
    requests = [classed(100, 1, "", 4), classed(300, 2, "", 24), classed(600, 3, "", 24)]
    assert admitted(setup, requests) == [2, 1, 3]  # 5100 - 80, 5300 - 480, 5600 - 480
    assert admitted(replace(setup, priority_parameters={"prefill_us_token": 0}), requests) == [1, 2, 3]


def test_shortest_output_knows_and_the_predicted_one_guesses() -> None:
    u1 = 1 - math.exp(-2)  # a radius of 2
    long = replace(request(100, 4, 10, 1), draws={"length-1": u1, "length-2": 0.5})  # 10 e^-1 = 3.7
    short = replace(request(200, 4, 2, 2), draws={"length-1": u1, "length-2": 0.0})  # 2 e = 5.4
    assert admitted(replace(ONE_BY_ONE, scheduler="shortest-output"), [long, short]) == [2, 1]
    guessing = replace(ONE_BY_ONE, scheduler="shortest-predicted-output")
    assert admitted(guessing, [long, short]) == [1, 2]
    assert admitted(replace(guessing, scheduler_parameters={"noise": 0.3}), [long, short]) == [2, 1]  # 5.5, 3.6


def test_least_attained_service_goes_to_the_tenant_with_the_fewest_tokens() -> None:
    setup = replace(ONE_BY_ONE, scheduler="least-attained-service")

    def of_tenant(tenant: int, arrival_us: int, name: int) -> OracleRequest:
        return replace(request(arrival_us, 4, 4, name), tenant=tenant)

    # tenant 0 has had 8 + 12 tokens, tenant 1 gets 8 each time: 0, 8, 16, 24
    requests = [of_tenant(0, 100, 1), *(of_tenant(1, 200 + name, name) for name in (2, 3, 4, 5))]
    assert admitted(setup, requests) == [2, 3, 4, 1, 5]


def test_equal_keys_go_by_row_and_in_the_original_by_name() -> None:
    twins = [replace(request(100, 4, 1, name), request_id=f"request_{name}") for name in (2, 10)]
    setup = replace(ONE_BY_ONE, scheduler="sjf")
    assert admitted(setup, twins) == [1, 2]
    assert admitted(setup, twins, Compat(ids_as_text=True)) == [2, 1]


def test_priority_evicts_the_least_class_wherever_it_sits_in_the_batch() -> None:
    setup = replace(SETUP, kv_blocks=4, preemption="priority")
    batch, critical = replace(V9[0], slo_class="batch"), replace(V9[1], slo_class="critical")
    result = simulate(setup, [batch, critical])
    # 3241: r0 goes; r1 runs on until 5251; then r0 has 9 tokens, 4 of them cached, and ends at 6301
    assert (result.preemptions, result.completed_us, result.e2e_us) == ([1, 0], [6301, 5251], [6341, 5290])
    tail = simulate(replace(setup, preemption="tail"), [batch, critical])
    assert tail.preemptions == [0, 1]
    assert simulate(setup, V9).preemptions == [0, 1]  # of equal classes the later one goes


def test_least_urgent_is_the_least_class_then_the_latest_then_the_largest_row() -> None:
    def job(row: int, arrival_us: int, slo_class: str) -> Job:
        return Job(row, OracleRequest(arrival_us, (1,), slo_class=slo_class))

    jobs = [job(0, 5, "batch"), job(1, 9, "standard"), job(2, 5, "batch"), job(3, 4, "batch")]
    expected = [2, 0, 3, 1]
    for row in expected:
        victim = least_urgent(jobs, SETUP)
        assert victim.row == row
        jobs.remove(victim)


def test_machines_may_differ() -> None:
    slow: dict[str, Any] = {"alpha": SETUP.alpha, "beta": (2000, 10, 5), "block_size_tokens": 4, "kv_blocks": 2}
    setup = replace(SETUP, instances=2, machines=(SETUP, Machine(**slow)))
    result = simulate(setup, [request(0, 8, 1, 0), request(0, 8, 1, 1), request(9000, 9, 1, 2), request(9000, 9, 1, 3)])
    assert result.ttft_us == [108 + 1080 + 10, 108 + 2080 + 10, 109 + 1090 + 10, -1]
    assert result.status_names()[3] == "dropped"
    assert result.token_overhead_us == [10, 10]
