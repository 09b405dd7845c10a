"""Instances that fail in whole runs, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Batch, Failures, FlowControl, Outage, Pool, Retries, Routing, Scorer, Signal, Signals, Startup
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.placement import Placement
from tests.blis.engine.plain_times import deployment, requests

LIVE = {"heartbeat_us": 0, "offline_after_us": 0}


def run(table, *scheduled, instances=1, retries=None, failures=LIVE, **more):
    given = Failures(tuple(Outage(*one) for one in scheduled), **failures)
    scenario = deployment(instances, failures=given, retries=retries or Retries(), **more)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_whoever_is_on_an_instance_that_fails_is_lost():
    # 0 is done at 300; 1 runs and 2 waits at 450; 3 comes when it serves again
    one_by_one = {"batch": Batch(max_running=1)}
    result = run(requests([0, 0, 0, 700], 3), ((0,), 450, 50), engine=one_by_one)
    assert result.status_names() == ["completed", "lost", "lost", "completed"]
    assert result.completed_us.tolist() == [300, -1, -1, 1000]
    assert result.generated_tokens.tolist() == [3, 1, 0, 3]
    assert result.instances["lost"].tolist() == [2]
    assert result.instances["steps"].tolist() == [8]  # the one that was broken off is one
    assert result.instances["busy_us"].tolist() == [750]


def test_what_ends_when_the_instance_fails_has_not_ended():
    assert run(requests([0], 3), ((0,), 300, 50)).status_names() == ["lost"]
    assert run(requests([0], 3), ((0,), 301, 50)).status_names() == ["completed"]


def test_caches_are_cold_afterwards():
    prompts = [range(8), range(9), range(9)]
    result = run(requests([0, 1000, 2000], 1, prompts), ((0,), 1500, 50))
    assert result.cached_tokens.tolist() == [0, 8, 0]


def test_an_old_reading_shows_the_cache_that_was():
    """Read at 1000; the instance is down from 1200 to 1300, and read again at 2000."""
    signals = Signals(cache=Signal(1000))
    routing = Routing("weighted", scorers=(Scorer("precise-prefix-cache", 1),), tie_break="first", signals=signals)
    failures = Failures((Outage((0,), 1200, 100),), heartbeat_us=0, offline_after_us=10_000)
    scenario = deployment(2, failures=failures, routing=routing)
    table = requests([0, 1500, 2500], 1, [range(8), range(9), range(9)])
    result = simulate(scenario, table, observe=Observe(decisions=True))
    assert result.decisions["cached_blocks"][:, 0].tolist() == [0, 2, 2]
    assert result.cached_tokens.tolist() == [0, 0, 8]


def test_until_the_router_finds_out_it_sends_requests_to_the_dead():
    # heartbeats at 0, 500, …: nothing is heard at 1000, and at 1500 nobody waits for it any more
    failures = {"heartbeat_us": 500, "offline_after_us": 1000}
    table = requests([0, 1400, 1600, 2400, 2600])
    result = run(
        table, ((0,), 600, 1500), instances=2, failures=failures, routing=Routing("least-loaded", tie_break="first")
    )
    assert result.instance.tolist() == [0, 0, 1, 1, 0]  # which serves at 2100 and is heard at 2500
    assert result.status_names() == ["completed", "lost", "completed", "completed", "completed"]


def test_where_all_are_believed_to_be_gone_requests_are_rejected():
    result = run(requests([0, 200, 400]), ((0,), 150, 200))
    assert result.status_names() == ["completed", "rejected", "completed"]
    assert result.reasons() == ["", "no-instance", ""]


def test_who_was_admitted_is_rejected_where_everybody_has_gone_meanwhile():
    result = run(requests([0]), ((0,), 5, 200), routing=Routing(latency_us=10))
    assert result.reasons() == ["no-instance"]


def test_whoever_may_run_on_one_alone_does_not_go_elsewhere():
    placements = (Placement(), Placement(requires={"gpu": "H100"}))
    pools = [Pool(labels={"gpu": "H100"}), Pool(labels={"gpu": "A100"})]
    table = requests([10, 10], placements=placements, placement=[0, 1])
    assert run(table, ((0,), 5, 100), instances=2, pools=pools).status_names() == ["completed", "rejected"]


def test_a_request_is_sent_again_after_a_pause_that_doubles():
    # refused at 10, 110 and 310; served from 710 on
    failures = {"heartbeat_us": 0, "offline_after_us": 10_000}
    retries = Retries(limit=3, backoff_us=100)
    result = run(requests([10]), ((0,), 5, 400), retries=retries, failures=failures)
    assert (result.routed_us.tolist(), result.completed_us.tolist()) == ([710], [810])
    assert result.retries.tolist() == [3]
    assert result.instances["routed"].tolist() == [4]
    assert run(requests([10]), ((0,), 5, 900), retries=retries, failures=failures).status_names() == ["lost"]


def test_a_request_that_is_sent_again_begins_anew():
    result = run(requests([0], 5), ((0,), 250, 100), instances=2, retries=Retries(limit=1, backoff_us=50))
    assert (result.instance.tolist(), result.routed_us.tolist()) == ([1], [300])
    assert (result.scheduled_us.tolist(), result.ttft_us.tolist(), result.e2e_us.tolist()) == ([300], [400], [800])


@pytest.mark.parametrize(
    ("saved", "budget", "again"),
    [(0, 1, 0), (1, 0, 1), (2, 0, 2), (0.5, 0.25, 1), (0.5, 0.5, 2), (100, 0, 2)],
)
def test_retries_are_paid_from_a_budget(saved, budget, again):
    """Four are sent before two of them are lost; ten times what is saved at the start is the most."""
    retries = Retries(limit=1, budget=budget, saved=saved, backoff_us=0)
    turns = Routing("round-robin")
    result = run(requests([0, 0, 0, 0], 3), ((0,), 50, 1000), instances=2, retries=retries, routing=turns)
    assert result.retries.sum() == again
    assert result.status_names().count("lost") == 2 - again


def test_who_waits_at_the_gateway_is_sent_on_when_an_instance_is_back():
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=10)
    table = requests([0, 20], 3)
    result = run(table, ((0,), 50, 100), flow_control=flow, failures={"heartbeat_us": 0, "offline_after_us": 1000})
    assert result.status_names() == ["lost", "lost"]  # the dead is believed to have room
    result = run(requests([0, 20], 3), ((0,), 50, 100), flow_control=flow)
    assert result.reasons() == ["", "no-instance"]


def test_steps_are_slower_while_an_instance_warms_up():
    startup = Startup(warm_up_us=150, warm_up_factor=2.5)
    result = run(requests([0, 200], 3), ((0,), 50, 100), startup=startup)
    assert result.completed_us.tolist() == [-1, 200 + 250 + 100 + 100]


def test_a_drained_instance_gets_nobody_and_ends_what_it_has():
    turns = Routing("least-loaded", tie_break="first")
    outage = ((0,), 50, 200, 250)  # told at 50, gone from 300 to 500
    result = run(requests([0, 60, 400, 600], 3), outage, instances=2, routing=turns)
    assert result.instance.tolist() == [0, 1, 1, 0]
    assert result.status_names() == ["lost", "completed", "completed", "completed"]  # the first would end at 300
    result = run(requests([0, 60, 400, 600], 2), outage, instances=2, routing=turns)
    assert result.status_names() == ["completed"] * 4
