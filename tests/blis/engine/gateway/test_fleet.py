"""Instances that come and go in whole runs, by hand: every step takes 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Autoscaling, Batch, Failures, FlowControl, Outage, Retries, Startup
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.records import STATES
from tests.blis.engine.plain_times import deployment, requests

#: Looks every 1,000 µs, does at once what it recommends: one instance for each request.
QUICK = {
    "maximum": 3,
    "concurrency": 1,
    "tolerance": 0,
    "sync_us": 1000,
    "up_period_us": 0,
    "down_period_us": 0,
    "down_window_us": 0,
    "drain_us": 250,
}
ONE = {"batch": Batch(max_running=1)}


def run(table, instances=1, load_us=0, more=None, **scaling):
    given = Autoscaling(**{**QUICK, **scaling})
    scenario = deployment(instances, autoscaling=given, startup=Startup(load_us=load_us), **(more or {}))
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def turns(result):
    return [(time, i, STATES[state]) for time, i, state in result.fleet.tolist() if time]


def test_whoever_is_started_loads_and_then_serves():
    result = run(requests([0, 0, 1350, 1450], 20), load_us=400)
    assert turns(result)[:2] == [(1000, 1, "loading"), (1400, 1, "ready")]
    assert result.instance.tolist() == [0, 0, 0, 1]


def test_whoever_has_nothing_to_do_goes_at_once():
    result = run(requests([0, 2500], [30, 20]), instances=2)
    assert turns(result)[0] == (1000, 1, "gone")
    assert result.looks.tolist()[1] == (1000, 2, 1, -1)


def test_whoever_has_something_to_do_drains_and_is_gone_when_a_look_finds_it_idle():
    """Two for one: the one with the higher number goes of two with as much to do, and has 250 µs left to do it."""
    result = run(requests([0, 0, 1050], [30, 12, 1]), instances=2, concurrency=3, drain_us=1500)
    assert turns(result)[:2] == [(1000, 1, "draining"), (2000, 1, "gone")]
    assert result.status_names() == ["completed"] * 3 and result.instance.tolist() == [0, 1, 0]


@pytest.mark.parametrize(("drain_us", "gone_us", "generated"), [(0, 1001, 10), (250, 1250, 12), (300, 1300, 12)])
def test_whoever_is_not_done_in_time_is_lost(drain_us, gone_us, generated):
    """A step that ends when the instance goes has not ended."""
    result = run(requests([0, 0], 30), instances=2, concurrency=3, drain_us=drain_us)
    assert turns(result)[-1] == (gone_us, 1, "gone")
    assert result.status_names() == ["completed", "lost"] and result.generated_tokens.tolist() == [30, generated]


def test_the_step_that_runs_when_the_drain_begins_is_ended():
    result = run(requests([50, 50], 30), instances=2, concurrency=3, drain_us=0)
    assert turns(result)[-2:] == [(1000, 1, "draining"), (1051, 1, "gone")]
    assert result.generated_tokens.tolist()[1] == 10


def test_whoever_was_lost_is_sent_again():
    again = {"retries": Retries(limit=1, backoff_us=0)}
    result = run(requests([0, 0], 30), instances=2, concurrency=3, drain_us=0, more=again)
    assert result.status_names() == ["completed"] * 2 and result.instance.tolist() == [0, 0]


def test_whoever_is_not_ready_goes_first_the_latest_to_be_started_before_others():
    result = run(requests([0, 0, 0, 2500], [15, 15, 15, 1]), load_us=5000)
    assert turns(result)[:4] == [(1000, 1, "loading"), (1000, 2, "loading"), (2000, 2, "gone"), (2000, 1, "gone")]


def test_whoever_has_the_fewest_in_flight_goes_first():
    result = run(requests([0, 0, 0, 0], [30, 5, 30, 30]), instances=3, concurrency=2, drain_us=9000)
    assert result.instance.tolist() == [0, 1, 2, 0]
    assert turns(result)[0] == (1000, 1, "gone")


def test_a_cluster_without_instances_starts_one_for_the_first_who_comes():
    flow = {"flow_control": FlowControl(enabled=True, interval_us=10)}
    result = run(requests([0, 2500, 2600], 3), minimum=0, load_us=400, more=flow)
    assert turns(result)[:3] == [(1000, 0, "gone"), (2500, 0, "loading"), (2900, 0, "ready")]
    assert result.routed_us.tolist() == [0, 2900, 2900]
    assert result.status_names() == ["completed"] * 3


def test_one_that_needs_no_time_to_load_serves_at_once():
    flow = {"flow_control": FlowControl(enabled=True, interval_us=10)}
    assert run(requests([0, 2505], 3), minimum=0, more=flow).routed_us.tolist() == [0, 2505]


def test_an_instance_that_fails_stays_and_counts_as_one_that_is_not_ready():
    fails = {"failures": Failures((Outage((1,), 500, 10_000),), heartbeat_us=0, offline_after_us=0)}
    result = run(requests([0, 600, 700], 30), instances=2, concurrency=1.5, more=fails)
    assert turns(result) == []
    result = run(requests([0, 600, 700], 30), instances=2, concurrency=3, more=fails)
    assert turns(result)[0] == (1000, 1, "gone")


def test_caches_of_one_that_is_started_again_are_empty_and_it_warms_up():
    table = requests([0, 0, 4010, 4020, 5500], [5, 5, 30, 30, 3], [range(8)] * 5)
    result = run(table, instances=2, more={"engine": ONE})
    assert turns(result)[:3] == [(1000, 1, "gone"), (5000, 1, "loading"), (5000, 1, "ready")]
    assert result.cached_tokens.tolist()[-1] == 0 and result.instance.tolist()[-1] == 1
