"""Instances that fail too often in a row get nothing for a while, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Breaker, Failures, FlowControl, Outage, Retries, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.limits import within_limits
from tests.blis.engine.plain_times import deployment, requests

#: The router never finds out by itself; the first instance is always taken if it may be.
DEAF = {"heartbeat_us": 0, "offline_after_us": 10**12}
FIRST = Routing("least-loaded", tie_break="first")


def run(table, breaker, *scheduled, instances=2, failures=DEAF, routing=FIRST, **more):
    given = Failures(tuple(Outage(*one) for one in scheduled), **failures)
    scenario = deployment(instances, failures=given, breaker=breaker, routing=routing, **more)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_after_so_many_failures_in_a_row_an_instance_gets_nothing_and_then_one_request():
    # refused at 10 and 20; at 1020 one may try, at 2020 the next, and the instance is there again at 3000
    table = requests([10, 20, 30, 1019, 1020, 1021, 2019, 2020, 3019, 3020, 3021, 3200], 1)
    result = run(table, Breaker(2, 1000), ((0,), 5, 2995))
    assert result.instance.tolist() == [0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0]
    assert result.status_names().count("lost") == 4


def test_whoever_was_there_when_it_failed_counts_and_the_latest_failure_begins_the_pause():
    # two are lost at 50, a third is refused at 60: nothing before 1060
    result = run(requests([0, 0, 60, 70, 1059, 1060], 3), Breaker(3, 1000), ((0,), 50, 500), instances=1)
    assert result.status_names() == ["lost"] * 3 + ["rejected"] * 2 + ["completed"]
    assert result.reasons()[3] == "no-instance"


def test_an_answer_in_between_begins_the_count_anew_once_it_is_there():
    # one failure at 50, an answer at 300, one failure at 390: not two in a row; another at 410, and then they are
    outages = ((0,), 50, 100), ((0,), 310, 1000)
    result = run(requests([0, 200, 390, 410, 420], 1), Breaker(2, 5000), *outages)
    assert result.status_names() == ["lost", "completed", "lost", "lost", "completed"]
    assert result.instance.tolist() == [0, 0, 0, 0, 1]


def test_who_gets_no_answer_but_is_told_so_is_answered():
    """A prompt that can never fit is dropped: the instance is there."""
    outages = ((0,), 50, 100), ((0,), 310, 1000)
    table = requests([0, 200, 390, 410, 420], 1, [range(8), range(10_000), range(8), range(8), range(8)])
    result = run(within_limits(table, 0, 0), Breaker(2, 5000), *outages)
    assert result.status_names() == ["lost", "dropped", "lost", "lost", "completed"]


@pytest.mark.parametrize(("arrival_us", "instance"), [(300, 1), (301, 0)])
def test_an_answer_counts_once_it_is_there(arrival_us, instance):
    # open from 50 on; the probe at 200 ends at 300
    result = run(requests([0, 200, arrival_us], 1), Breaker(1, 150), ((0,), 50, 100))
    assert result.status_names() == ["lost", "completed", "completed"]
    assert result.instance.tolist()[2] == instance


def test_one_that_the_router_finds_again_begins_anew():
    # offline from 450 on, up at 1050, heard at 1200: though the breaker would be open until 10050
    heard = {"heartbeat_us": 300, "offline_after_us": 450}
    result = run(requests([0, 1100, 1250], 2), Breaker(1, 10_000), ((0,), 50, 1000), failures=heard)
    assert result.instance.tolist() == [0, 1, 0]
    assert result.status_names() == ["lost", "completed", "completed"]


def test_a_retry_goes_elsewhere_at_once():
    again = Retries(limit=1, backoff_us=0)
    table = requests([10, 20, 30], 1)
    without = run(table, Breaker(), ((0,), 5, 1000), retries=again)
    assert without.status_names() == ["lost"] * 3
    result = run(table, Breaker(1, 1000), ((0,), 5, 1000), retries=again)
    assert result.status_names() == ["completed"] * 3 and result.retries.tolist() == [1, 0, 0]


def test_a_gateway_rejects_whom_nobody_may_run():
    flow = FlowControl(enabled=True, interval_us=10)
    result = run(requests([10, 20]), Breaker(1, 1000), ((0,), 5, 1000), instances=1, flow_control=flow)
    assert result.reasons() == ["", "no-instance"]
