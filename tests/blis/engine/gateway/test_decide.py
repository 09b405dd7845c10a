"""Who is picked, and what a decision sets in motion: in whole runs a step takes 100 µs."""

import numpy as np
import pytest

from blis.config import Admission, Batch, Compat, LatencyModel, Routing
from blis.engine.gateway import decide as gateway
from blis.engine.gateway.records import VIEW
from blis.engine.run import simulate
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.kernels import callable_kernel

best, draw = callable_kernel(gateway.best), callable_kernel(gateway.draw)


def views(*scores: float) -> np.ndarray:
    rows = np.zeros(len(scores), VIEW).view(np.recarray)
    rows.score = scores
    rows.eligible = 1
    return rows


@pytest.mark.parametrize(
    ("scores", "uniform", "chosen"),
    [
        ((1.0, 3.0, 2.0), 0.99, 1),
        ((2.0, 1.0, 2.0), 0.0, 0),
        ((2.0, 1.0, 2.0), 0.49, 0),
        ((2.0, 1.0, 2.0), 0.5, 2),
        ((0.0, 0.0, 0.0, 0.0), 0.75, 3),
        ((-5.0, -1.0, -1.0), 0.999999, 2),
    ],
)
def test_the_best_score_wins_and_ties_follow_the_uniform_number(scores, uniform, chosen):
    assert best(views(*scores), uniform) == chosen


@pytest.mark.parametrize(
    ("asked", "compat", "went"),
    [({}, Compat(), 1), ({"tie_break": "first"}, Compat(), 0), ({}, Compat.original(), 0)],
)
def test_ties_go_at_random_unless_the_first_is_asked_for(asked, compat, went):
    table = requests([0], uniform=np.array([0.99]))
    scenario = deployment(2, routing=Routing("least-loaded", **asked))
    assert simulate(scenario, table, compat).instance.tolist() == [went]


def test_only_the_eligible_can_win():
    rows = views(1.0, 5.0, 5.0, 2.0)
    rows.eligible = [1, 0, 1, 1]
    assert best(rows, 0.0) == best(rows, 0.99) == 2


@pytest.mark.parametrize(
    ("scores", "uniform", "drawn"),
    [
        ((1.0, 2.0, 1.0), 0.0, 0),
        ((1.0, 2.0, 1.0), 0.24, 0),
        ((1.0, 2.0, 1.0), 0.25, 1),
        ((1.0, 2.0, 1.0), 0.74, 1),
        ((1.0, 2.0, 1.0), 0.75, 2),
        ((0.0, 2.0, 0.0), 0.0, 1),
        ((0.0, 2.0, 0.0), 0.999, 1),
    ],
)
def test_the_weighted_picker_draws_in_proportion_to_the_scores(scores, uniform, drawn):
    assert draw(views(*scores), uniform) == drawn


@pytest.mark.parametrize(
    ("eligible", "uniform", "drawn"),
    [
        ([1, 1, 1, 1], 0.0, 0),
        ([1, 1, 1, 1], 0.25, 1),
        ([1, 1, 1, 1], 0.74, 2),
        ([1, 1, 1, 1], 0.99, 3),
        ([0, 1, 0, 1], 0.0, 1),
        ([0, 1, 0, 1], 0.49, 1),
        ([0, 1, 0, 1], 0.5, 3),
    ],
)
def test_all_scores_zero_are_equally_likely(eligible, uniform, drawn):
    rows = views(0.0, 0.0, 0.0, 0.0)
    rows.eligible = eligible
    assert draw(rows, uniform) == drawn


def test_scores_of_those_who_may_not_are_not_drawn():
    rows = views(8.0, 1.0, 8.0, 1.0)
    rows.eligible = [0, 1, 0, 1]
    assert [draw(rows, uniform) for uniform in (0.0, 0.49, 0.51, 0.99)] == [1, 1, 3, 3]


def test_where_rounding_leaves_nobody_the_last_who_may_is_drawn():
    rows = views(0.0, 5e-324, 0.0)  # .9 of the smallest number is that number
    rows.eligible = [1, 1, 0]
    assert draw(rows, 0.9) == 1


# -- whole runs


def test_at_one_instant_all_are_admitted_before_anybody_is_routed():
    # nobody is on the way yet when the second is asked about
    admission = Admission("queue-depth", parameters={"max_queued": 1})
    found = simulate(deployment(admission=admission), requests([0, 0], 9))
    assert found.status_names() == ["completed", "completed"]


@pytest.mark.parametrize(("horizon_us", "routed_us", "end_us"), [(500, 500, 500), (499, -1, 499)])
def test_the_last_decision_is_at_the_horizon(horizon_us, routed_us, end_us):
    # the first request has ended at 100; the second belongs to the run either way, which is cut at its horizon
    result = simulate(deployment(horizon_us=horizon_us), requests([0, 500]))
    assert result.routed_us.tolist() == [0, routed_us]
    assert result.end_us == end_us


def test_sending_a_request_is_an_event():
    slow = {"latency_model": LatencyModel(alpha=(400, 0, 0), beta=(STEP_US, 0, 0))}
    scenario = deployment(engine=slow, horizon_us=550)
    assert simulate(scenario, requests([0, 450]), Compat(duration_last_event=True)).end_us == 500  # a step ends
    assert simulate(scenario, requests([0, 520]), Compat(duration_last_event=True)).end_us == 520


def test_only_who_is_told_when_to_come_back_is_told():
    # One runs at a time. At 150 somebody waits and one has completed: 3 is to come back after 1 * 150 / 1 µs. At 650
    # nobody waits, but tenant 1 has a request in flight: nobody knows when 4 may come back.
    admission = Admission("queue-depth", parameters={"max_queued": 1, "max_tenant_in_flight": 1})
    table = requests([0, 110, 120, 150, 650], [1, 5, 5, 1, 1], tenant=[0, 0, 1, 2, 1])
    result = simulate(deployment(admission=admission, engine={"batch": Batch(max_running=1)}), table)
    assert result.status_names() == ["completed"] * 3 + ["rejected"] * 2
    assert result.retry_after_us.tolist() == [-1, -1, -1, 150, -1]


def test_the_way_to_the_queue_takes_whole_microseconds_in_all():
    # half a microsecond and 8 tokens at a 16th each are one; 4 tokens are three quarters, so none
    slow = {"latency_model": LatencyModel(alpha=(0.5, 0.0625, 0), beta=(STEP_US, 0, 0))}
    table = requests([0, 10], prompts=[range(8), range(100, 104)])
    assert simulate(deployment(engine=slow), table).queued_us.tolist() == [1, 10]


def test_who_is_sent_first_is_first_among_those_who_come_at_one_instant():
    # a microsecond a token: both are queued at 16
    slow = {"latency_model": LatencyModel(alpha=(0, 1, 0), beta=(STEP_US, 0, 0)), "batch": Batch(max_running=1)}
    result = simulate(deployment(engine=slow), requests([0, 8], prompts=[range(16), range(100, 108)]))
    assert result.queued_us.tolist() == [16, 16]
    assert result.scheduled_us.tolist() == [16, 116]
