"""Copies of requests that get no first token, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Batch, Failures, FlowControl, Hedging, Outage, Retries, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

#: All go to the first instance, which serves one at a time.
ONE_BY_ONE = {"batch": Batch(max_running=1)}
FIRST = Routing("always-busiest", tie_break="first")
DEAF = {"heartbeat_us": 0, "offline_after_us": 10**12}


def run(table, hedging, *scheduled, instances=2, routing=FIRST, engine=ONE_BY_ONE, **more):
    failures = Failures(tuple(Outage(*one) for one in scheduled), **DEAF)
    scenario = deployment(instances, hedging=hedging, failures=failures, routing=routing, engine=engine, **more)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_a_copy_that_is_first_serves_the_client_and_the_request_is_cancelled():
    # 1 waits for 0, which runs until 1000; its copy begins at 210, and gives its first token at 310
    result = run(requests([0, 10], [10, 3]), Hedging(200))
    assert (result.instance.tolist(), result.hedged.tolist()) == ([0, 1], [False, True])
    assert (result.ttft_us.tolist(), result.e2e_us.tolist()) == ([100, 300], [1000, 500])
    assert result.attempts.status_names() == ["completed", "abandoned", "not_arrived", "completed"]
    assert result.instances["abandoned"].tolist() == [1, 0]
    assert result.wasted_tokens == 0  # it had not begun


def test_a_request_that_is_first_after_all_serves_and_its_copy_is_cancelled():
    # the copy begins at 50 and would give its first token at 150
    result = run(requests([0], 3), Hedging(50))
    assert (result.instance.tolist(), result.hedged.tolist()) == ([0], [True])
    assert (result.ttft_us.tolist(), result.e2e_us.tolist()) == ([100], [300])
    assert result.attempts.status_names() == ["completed", "abandoned"]
    assert result.instances["used_blocks"].tolist() == [0, 0]
    assert result.wasted_tokens == 8  # the step that ran goes on


@pytest.mark.parametrize(("after_us", "hedged"), [(100, True), (101, False)])
def test_a_token_that_comes_at_that_very_instant_is_too_late(after_us, hedged):
    assert run(requests([0], 3), Hedging(after_us)).hedged.tolist() == [hedged]


def test_of_two_that_are_first_together_the_request_serves():
    # 1 begins at 300, when 0 is done, and so does its copy
    result = run(requests([0, 100], [3, 2]), Hedging(200))
    assert result.attempts.first_token_us[[1, 3]].tolist() == [400, 400]
    assert result.instance.tolist() == [0, 0] and result.wasted_tokens == 8


@pytest.mark.parametrize(("saved", "budget", "copies"), [(1, 0, 1), (2, 0, 2), (0, 0.5, 0), (0.5, 0.5, 2), (9, 0, 3)])
def test_copies_are_paid_from_a_budget(saved, budget, copies):
    """Ten times what is saved at the start is the most."""
    result = run(requests([0, 10, 20, 30], [10, 1, 1, 1]), Hedging(200, budget, saved))
    assert result.hedged.sum() == copies


def test_where_there_is_no_other_instance_no_copy_is_made_or_paid_for():
    result = run(requests([0, 10], [10, 1]), Hedging(200, 0, 1), instances=1)
    assert not result.hedged.any() and result.instance.tolist() == [0, 0]
    # at 210 the other is down, and known to be; at 420 it is back, and what was saved is still there
    live = Failures((Outage((1,), 150, 100),), heartbeat_us=0, offline_after_us=0)
    scenario = deployment(2, hedging=Hedging(200, 0, 1), failures=live, routing=FIRST, engine=ONE_BY_ONE)
    assert simulate(scenario, requests([0, 10, 220], [10, 1, 1])).hedged.tolist() == [False, False, True]


def test_whoever_is_lost_in_a_race_leaves_the_request_to_the_other():
    again = Retries(limit=1, backoff_us=0)
    # the copy of 1 begins at 210; the first instance is gone at 250
    result = run(requests([0, 10], [10, 3]), Hedging(200), ((0,), 250, 5000), retries=again)
    assert result.attempts.status_names()[1::2] == ["lost", "completed"]
    assert (result.status_names()[1], result.instance[1], result.e2e_us[1], result.retries[1]) == (
        "completed",
        1,
        500,
        0,
    )
    # the other way round
    result = run(requests([0, 10], [10, 3]), Hedging(200), ((1,), 250, 5000), retries=again)
    assert result.attempts.status_names()[1::2] == ["completed", "lost"]
    assert (result.instance.tolist(), result.retries.tolist()) == ([0, 0], [0, 0])


def test_who_is_lost_twice_is_sent_again_as_often_as_one():
    outages = ((0,), 250, 100), ((1,), 300, 100)
    table = requests([0, 10], [10, 3])
    result = run(table, Hedging(200), *outages, retries=Retries(limit=1, backoff_us=200))
    assert result.attempts.status_names()[1::2] == ["lost", "completed"]
    assert (result.retries.tolist(), result.routed_us.tolist()[1]) == ([1, 1], 500)
    assert run(table, Hedging(200), *outages).status_names() == ["lost", "lost"]


def test_whoever_follows_comes_when_the_copy_has_answered():
    table = requests([0, 10, 20], [10, 3, 1])
    closed = {
        "arrival_us": np.array([0, 10, -1]),
        "predecessor": np.array([-1, -1, 1], np.int32),
        "think_us": np.array([0, 0, 40]),
    }
    result = run(replace(table, **closed, cache={}), Hedging(200))
    assert result.completed_us.tolist()[1] == 510 and result.arrival_us.tolist()[2] == 550


@pytest.mark.parametrize("output", [0, 1])
def test_whoever_follows_comes_once_though_both_end(output):
    """The last token is the first: when the copy ends at 260, the request is in a step that ends at 300."""
    table = requests([0, 10, 20], [2, output, 1])
    closed = {
        "arrival_us": np.array([0, 10, -1]),
        "predecessor": np.array([-1, -1, 1], np.int32),
        "think_us": np.array([0, 0, 40]),
    }
    result = run(replace(table, **closed, cache={}), Hedging(150))
    assert result.attempts.status_names()[1::3] == ["completed", "completed"]
    assert result.completed_us[1] == 260 and result.arrival_us[2] == 300
    assert result.status_names() == ["completed"] * 3


def test_copies_go_past_the_gateway_queue():
    flow = FlowControl(enabled=True, max_concurrency=0.5, interval_us=10)
    result = run(requests([0, 10], [3, 1]), Hedging(50), flow_control=flow)
    assert result.attempts.routed_us.tolist() == [0, 210, 50, 260]  # 1 waits until 0 is alone no more


def test_a_copy_is_one_more_in_flight():
    least = Routing("least-loaded", tie_break="first")
    rows = run(requests([0, 60], [3, 1]), Hedging(50), routing=least).attempts
    assert rows.instance[:2].tolist() == [0, 0]  # at 60 one is on each
