"""What a run reports of every request, whatever became of it: 100 µs a step."""

from __future__ import annotations

import pytest

from blis.config import Admission, Compat, LatencyModel
from blis.engine.run import simulate
from tests.blis.engine.plain_times import STEP_US, deployment, requests

OVERHEAD = {"latency_model": LatencyModel(alpha=(0, 0, 10), beta=(STEP_US, 0, 0))}


@pytest.mark.parametrize(
    ("arrival_us", "status"), [(94, "queued"), (95, "queued"), (96, "in_transit"), (100, "in_transit")]
)
def test_who_has_arrived_by_the_horizon_is_in_transit_at_least(arrival_us, status):
    # admission takes 5 µs; a step at 0 lasts until 100, so that those who are queued by then are in the step at 100
    scenario = deployment(horizon_us=100, admission=Admission(latency_us=5))
    found = simulate(scenario, requests([0, arrival_us, 101], 9)).status_names()
    assert found == ["running", status, "not_arrived"]


def test_what_never_happened_is_minus_one():
    result = simulate(deployment(horizon_us=100), requests([0, 90, 101], 9))
    for name in ("queued_us", "scheduled_us", "first_token_us", "completed_us", "ttft_us", "e2e_us", "routed_us"):
        assert getattr(result, name)[2] == -1
    assert result.instance.tolist() == [0, 0, -1]
    assert result.completed_us.tolist() == result.e2e_us.tolist() == [-1, -1, -1]


def test_a_run_that_is_cut_reports_the_tokens_so_far():
    result = simulate(deployment(horizon_us=250), requests([0, 150], 9))
    assert result.generated_tokens.tolist() == [3, 1]  # steps at 0, 100 and 200
    assert result.last_step.tolist() == [3, 3]
    assert result.first_step.tolist() == [1, 3]


@pytest.mark.parametrize(
    ("compat", "e2e_us"),
    [
        (Compat(), [110, 110, 310]),  # the overhead once a request
        (Compat(overhead_per_token=True), [110, 110, 330]),  # or once a token, and once without any
        (Compat(last_gap_twice=True), [210, 210, 410]),  # the last step counts twice
        (Compat(overhead_per_token=True, last_gap_twice=True), [220, 220, 440]),
    ],
)
def test_latencies_of_requests_with_0_1_and_3_outputs(compat, e2e_us):
    table = requests([0, 1000, 2000], [0, 1, 3])
    result = simulate(deployment(engine=OVERHEAD), table, compat)
    assert result.e2e_us.tolist() == e2e_us
    assert result.ttft_us.tolist() == [110, 110, 110]
    assert result.generated_tokens.tolist() == [0, 1, 3]
    assert result.completed_us.tolist() == [100, 1100, 2300]  # overheads are no part of the clock


def test_the_rejected_have_a_reason_and_nothing_else():
    result = simulate(deployment(admission=Admission("reject-all")), requests([0, 5]))
    assert result.status_names() == ["rejected", "rejected"]
    assert result.reasons() == ["policy", "policy"]
    assert result.instance.tolist() == result.routed_us.tolist() == [-1, -1]


def test_every_run_starts_afresh():
    table, scenario = requests([0, 50, 100], 3), deployment()
    first = simulate(scenario, table)
    simulate(deployment(blocks=2), table)  # drops everybody
    again = simulate(scenario, table)
    assert first.completed_us.tolist() == again.completed_us.tolist() == [300, 400, 400]
    assert first.cached_tokens.tolist() == again.cached_tokens.tolist() == [0, 0, 0]
