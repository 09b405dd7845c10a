"""Instances that come and go: against the oracle on random scenarios, and laws of what an autoscaler may do.

Arrivals are Poisson, one request takes one instance for a second: a load of n is n requests a second.
"""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import KV, Autoscaling, Batch, Cluster, FlowControl, Instance, LatencyModel, Routing, Scenario, Startup
from blis.engine.run import simulate
from blis.evaluation.fleet import instance_us, instances_over_time
from blis.evaluation.laws import check_laws
from blis.tables.records import DRAINING, GONE, LOADING, READY
from tests.blis.engine.plain_times import requests
from tests.laws.against_oracle import assert_same_results, compare
from tests.laws.random_cases import random_case, scaling, scaling_case
from tests.laws.tight_cases import tight_case

S = 1_000_000
DEFAULT = Autoscaling(1, 12, concurrency=4)


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_instances_come_and_go(number: int):
    compare(scaling_case(Random(number), max_requests=2 + number // 6))
    compare(scaling(Random(number), tight_case(number)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1500, 250))
def test_engine_equals_oracle_in_three_thousand_cases_of_scaling(first: int):
    for number in range(10_000 + first, 10_250 + first):
        compare(scaling_case(Random(number)))
        compare(scaling(Random(number), tight_case(number)))


@pytest.mark.parametrize("number", range(40))
def test_as_many_as_there_always_are_are_a_static_cluster(number: int):
    """To the last bit: minimum = maximum = instances changes nothing."""
    case = random_case(Random(number))
    scenario = replace(case.scenario, pools=())
    cluster = scenario.cluster
    scaling = Autoscaling(
        cluster.instances, cluster.instances, concurrency=1, sync_us=50,
        up_period_us=50, down_period_us=50, down_window_us=50,
    )  # fmt: skip
    static = replace(scenario, cluster=replace(cluster, autoscaling=scaling))
    expected = simulate(scenario, case.table)
    found = simulate(static, case.table)
    assert_same_results(found, expected)
    assert instance_us(found) == instance_us(expected) == cluster.instances * expected.duration_us


def deployment(instances: int = 1, autoscaling: Autoscaling = DEFAULT, load_us: int = 30 * S, **cluster) -> Scenario:
    """Steps of 100 ms in which up to eight requests decode."""
    return Scenario(
        Instance(LatencyModel(beta=(100_000, 0, 0)), KV(10_000, 4), Batch(max_running=8)),
        Cluster(
            instances,
            routing=Routing("least-loaded"),
            autoscaling=autoscaling,
            startup=Startup(load_us=load_us),
            **cluster,
        ),
    )


def poisson(per_s: list[tuple[float, int]], seed: int = 1):
    """A table in which so many requests a second come for so many seconds, each with 10 tokens: one second."""
    rng, arrival_us, begin = np.random.default_rng(seed), [], 0
    for rate, seconds in per_s:
        count = rng.poisson(rate * seconds)
        arrival_us += sorted((begin + rng.random(count) * seconds) * S)
        begin += seconds
    return requests([int(time) for time in arrival_us], 10)


def run(scenario: Scenario, table):
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def current(result, at_us: int) -> int:
    """Instances that load or are ready at an instant."""
    state = {}
    for time_us, instance, code in result.fleet.tolist():
        if time_us <= at_us:
            state[instance] = code
    return sum(code in (LOADING, READY) for code in state.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_load_step_is_answered_within_five_minutes(seed: int):
    """From 2 to 24 requests a second: 6 instances of 4; up at once, down when the window of 300 s has passed."""
    step_us = 600 * S
    table = poisson([(2, 600), (24, 600), (2, 700)], seed)
    result = run(deployment(), table)
    assert current(result, step_us) <= 2
    assert current(result, step_us + 300 * S) >= 6
    served = (result.arrival_us > step_us + 300 * S) & (result.arrival_us < 2 * step_us)
    assert np.quantile(result.e2e_us[served], 0.9) < 1.2 * S
    assert current(result, 2 * step_us + 240 * S) >= 6
    assert current(result, 2 * step_us + 420 * S) <= 2


@pytest.mark.parametrize("seed", range(3))
def test_a_steady_load_does_not_make_it_flap(seed: int):
    """Whoever goes has not been asked for in 300 s: nobody goes so soon after somebody came, however it varies."""
    result = run(deployment(4), poisson([(14, 1800)], seed))
    looks = result.looks
    rises, falls = (looks["time_us"][looks["change"] * way > 0] for way in (1, -1))
    assert all(fall - rise >= 300 * S for rise in rises for fall in falls if fall > rise)
    ways = np.sign(looks["change"][looks["change"] != 0])
    assert np.count_nonzero(np.diff(ways)) <= 2 * 1800 / 300
    assert 4 <= instance_us(result) / result.duration_us < 6


@pytest.mark.parametrize("number", range(30))
def test_limits_hold_at_every_instant(number: int):
    """Minimum, maximum, so many in a period, nobody without a status; what is paid is the area under the time line."""
    case = scaling_case(Random(number))
    rules, places = case.scenario.cluster.autoscaling, case.scenario.cluster.places
    result = simulate(case.scenario, case.table)
    time_us, count = instances_over_time(result)
    until_us = [*time_us[1:].tolist(), max(result.end_us, result.start_us)]
    spans = zip(time_us.tolist(), until_us, count.tolist(), strict=True)
    assert instance_us(result) == sum(there * (to_us - from_us) for from_us, to_us, there in spans)
    assert count.max() <= places and len(result.status_names()) == len(case.table)
    looks = result.looks
    for k, look in enumerate(looks.tolist()):
        time, there, recommended, change = look
        assert rules.minimum <= recommended <= rules.maximum
        assert there == 0 or rules.minimum <= there + change <= rules.maximum
        period_us = rules.up_period_us if change > 0 else rules.down_period_us
        before = looks[:k][looks["time_us"][:k] > time - period_us]["change"]
        start = there - int(before.sum())
        most = max(rules.up_instances, int(np.ceil(start * rules.up_percent / 100)))
        fewest = max(rules.down_instances, int(np.floor(start * rules.down_percent / 100)))
        assert (
            change <= max(0, most - int(before.sum())) if change > 0 else -change <= max(0, fewest + int(before.sum()))
        )


def test_who_comes_to_an_empty_cluster_waits_for_the_start_of_one_instance():
    scaling = replace(DEFAULT, minimum=0)
    table = poisson([(1, 60), (0, 600), (1, 60)])
    result = run(deployment(1, scaling, flow_control=FlowControl(enabled=True)), table)
    gone, loads = (result.fleet["time_us"][result.fleet["state"] == state] for state in (GONE, LOADING))
    first_us = int(table.arrival_us[table.arrival_us > 300 * S].min())
    assert gone[0] < first_us == loads[0]
    later = table.arrival_us == first_us
    assert 30 * S <= result.ttft_us[later][0] <= 30 * S + 200_000
    assert set(result.status_names()) == {"completed"}


def test_what_drains_is_there_until_it_is_gone():
    result = run(deployment(4, replace(DEFAULT, drain_us=60 * S)), poisson([(10, 300), (1, 700)]))
    state = dict.fromkeys(range(4), READY)
    for time_us, instance, code in result.fleet.tolist():
        if code == GONE and state[instance] == DRAINING:
            alive = (result.instance == instance) & (result.completed_us > time_us - 60 * S)
            assert (result.completed_us[alive] < time_us).all()
        state[instance] = code
    assert "lost" not in result.status_names()
