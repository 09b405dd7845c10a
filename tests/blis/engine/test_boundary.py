"""What a run reports of every request, whatever became of it: 100 µs a step."""

from __future__ import annotations

import pytest

from blis.config import Admission, Batch, Compat, LatencyModel
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.laws.against_oracle import compare
from tests.laws.random_cases import Case

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
    result = simulate(deployment(horizon_us=350), requests([0, 150], 9))
    assert result.generated_tokens.tolist() == [3, 1]  # steps at 0, 100, 200 and, with its tokens at 400, at 300
    assert result.last_step.tolist() == [3, 3]
    assert result.first_step.tolist() == [1, 3]
    assert result.instances["output_tokens"].tolist() == [4]
    assert result.instances["busy_us"].tolist() == [350]


@pytest.mark.parametrize("outputs", [0, 1, 2, 5])
@pytest.mark.parametrize("horizon_us", [99, 100, 101, 199, 200])
def test_what_lies_behind_the_horizon_is_not_reported(horizon_us, outputs):
    result = simulate(deployment(horizon_us=horizon_us), requests([0], outputs))
    tokens = min(horizon_us // STEP_US, outputs)
    done = horizon_us >= STEP_US * max(outputs, 1)
    assert result.status_names() == ["completed" if done else "running"]
    assert result.generated_tokens.tolist() == [tokens]
    assert result.first_token_us.tolist() == [STEP_US if tokens else -1]
    assert result.completed_us.tolist() == [STEP_US * max(outputs, 1) if done else -1]
    assert (result.e2e_us >= 0).tolist() == [done]
    counters = result.instances[0]
    assert (counters["completed"], counters["running"], counters["output_tokens"]) == (done, not done, tokens)
    assert check_laws(deployment(horizon_us=horizon_us), requests([0], outputs), result) == []


@pytest.mark.parametrize(
    ("compat", "e2e_us"),
    [
        (Compat(), [100, 110, 330]),  # the overhead once a token
        (Compat(first_token_without_output=True), [110, 110, 330]),  # and once without any
        (Compat(last_gap_twice=True), [210, 220, 440]),  # the last step counts twice
        (Compat(first_token_without_output=True, last_gap_twice=True), [220, 220, 440]),
    ],
)
def test_latencies_of_requests_with_0_1_and_3_outputs(compat, e2e_us):
    table = requests([0, 1000, 2000], [0, 1, 3])
    result = simulate(deployment(engine=OVERHEAD), table, compat)
    assert result.e2e_us.tolist() == e2e_us
    assert result.ttft_us.tolist() == [110 if compat.first_token_without_output else -1, 110, 110]
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


def test_the_horizon_cuts_every_step_that_lies_across_it():
    # an emptied instance is idle at once: the steps of 0 and 1 both pass the horizon
    scenario, table, overlapping = deployment(horizon_us=80), requests([0, 50], 1), Compat(idle_when_batch_empties=True)
    result = simulate(scenario, table, overlapping)
    assert result.status_names() == ["running", "running"]
    assert result.generated_tokens.tolist() == [0, 0]
    assert result.instances["busy_us"].tolist() == [80 + 30]
    assert check_laws(scenario, table, result, overlapping) == []
    compare(Case(scenario, table, overlapping, Observe()))


def test_members_of_all_steps_that_the_horizon_cuts_still_run():
    scenario = deployment(horizon_us=80, engine={"batch": Batch(max_running=1)})
    table, overlapping = requests([0, 30, 60], 1), Compat(idle_when_batch_empties=True)
    result = simulate(scenario, table, overlapping)
    assert result.instances["running"].tolist() == [3]
    assert check_laws(scenario, table, result, overlapping) == []
    compare(Case(scenario, table, overlapping, Observe()))
