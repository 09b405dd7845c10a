"""From who fails when to when each is down, and when the router believes so."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import LONGEST_US, Compat, Failures, Outage, Startup
from blis.engine.build.lives import outages, planned, silences
from blis.engine.run import simulate
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests

TABLE = requests([0, 100_000])


def failing(*scheduled, instances=2, **more):
    return deployment(instances, failures=Failures(tuple(Outage(*one) for one in scheduled), **more))


def test_outages_that_touch_or_overlap_are_one():
    scenario = failing(((0, 1), 10, 5), ((0,), 15, 5), ((0,), 12, 1), ((1,), 16, 4))
    assert outages(scenario, TABLE) == [(0, 10, 20), (1, 10, 15), (1, 16, 20)]


def test_who_comes_back_loads_first():
    loading = replace(failing(((1,), 10, 5)).cluster, startup=Startup(load_us=100))
    assert outages(replace(failing(), cluster=loading), TABLE) == [(1, 10, 115)]


@pytest.mark.parametrize(
    ("at_us", "down_us", "expected"),
    [
        (101, 40, []),  # last heard at 100, and again at 150
        (101, 60, [(0, 150, 200)]),  # not at 150
        (100, 60, [(0, 100, 200)]),  # whoever fails at 100 is not heard at 100
        (101, 99, [(0, 150, 200)]),  # whoever serves at 200 is heard at 200
        (101, 100, [(0, 150, 250)]),
        (0, 1, [(0, 0, 50)]),
    ],
)
def test_the_router_hears_heartbeats_only(at_us, down_us, expected):
    scenario = failing(((0,), at_us, down_us), heartbeat_us=50, offline_after_us=50)
    assert silences(scenario, TABLE) == expected


def test_a_heartbeat_between_two_outages_ends_a_silence():
    scenario = failing(((0,), 60, 80), ((0,), 160, 80), heartbeat_us=50, offline_after_us=60)
    assert silences(scenario, TABLE) == [(0, 110, 150), (0, 210, 250)]
    scenario = failing(((0,), 60, 80), ((0,), 145, 80), heartbeat_us=50, offline_after_us=60)
    assert silences(scenario, TABLE) == [(0, 110, 250)]


def test_without_an_interval_the_router_counts_from_the_failure():
    assert silences(failing(((0,), 60, 80), heartbeat_us=0, offline_after_us=0), TABLE) == [(0, 60, 140)]
    assert silences(failing(((0,), 60, 80), heartbeat_us=0, offline_after_us=30), TABLE) == [(0, 90, 140)]
    assert silences(failing(((0,), 60, 80), heartbeat_us=0, offline_after_us=80), TABLE) == []


def test_the_router_is_told_of_those_that_drain():
    scenario = failing(((0,), 110, 70, 50), ((1,), 110, 70, 0), heartbeat_us=50, offline_after_us=50)
    assert outages(scenario, TABLE) == [(0, 160, 230), (1, 110, 180)]
    assert silences(scenario, TABLE) == [(0, 110, 250), (1, 110, 200)]


def test_random_failures_are_the_same_for_all_policies_and_others_for_other_seeds_and_tables():
    scenario = deployment(3, failures=Failures(mtbf_us=5000, mttr_us=500))
    found = planned(scenario, TABLE)
    assert found == planned(deployment(3, failures=scenario.cluster.failures, engine={"scheduler": "sjf"}), TABLE)
    assert found != planned(replace(scenario, seed=1), TABLE)
    assert found != planned(scenario, requests([0, 100_000], uniform=np.array([0.1, 0.2])))
    more = planned(deployment(4, failures=scenario.cluster.failures), TABLE)
    assert found == [outage for outage in more if outage.instances != (3,)]


def test_random_failures_have_their_means():
    scenario = deployment(4, failures=Failures(mtbf_us=3000, mttr_us=1000))
    down = outages(scenario, requests([0, 10_000_000]))
    assert len(down) == pytest.approx(4 * 10_000_000 / 4000, rel=0.03)
    assert np.mean([to_us - from_us for _, from_us, to_us in down]) == pytest.approx(1000, rel=0.03)


def test_too_many_failures_are_refused():
    with pytest.raises(InputError, match=r"cluster.failures.mtbf_us: 1 µs gives more than 1,000,000 failures"):
        planned(deployment(1, failures=Failures(mtbf_us=1)), requests([0, 2_000_000]))


def test_the_original_knows_no_failures():
    with pytest.raises(InputError, match=r"cluster\.failures: the original knows no such thing"):
        simulate(failing(((0,), 10, 5)), TABLE, Compat.original())


def test_random_failures_begin_with_the_first_request():
    scenario = failing(mtbf_us=5000, mttr_us=500)
    later = planned(scenario, requests([10**15, 10**15 + 100_000]))
    assert later == [replace(outage, at_us=outage.at_us + 10**15) for outage in planned(scenario, TABLE)]


def test_random_outages_last_for_a_hundred_years_at_most():
    scenario = failing(mtbf_us=1000, mttr_us=LONGEST_US, instances=50)
    assert max(outage.down_us for outage in planned(scenario, TABLE)) == LONGEST_US
