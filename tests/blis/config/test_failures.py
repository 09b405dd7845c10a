"""What is wrong in the lives of instances is said in one line."""

import pytest

from blis.config import Breaker, Cluster, Failures, Outage, Retries, Startup
from blis.errors import InputError
from blis.scenario import load_scenario, scenario_mapping


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Outage((), 0, 1), "instances must name at least one instance"),
        (lambda: Outage((-1,), 0, 1), "instances must be"),
        (lambda: Outage((0,), 0, 0), "down_us must be"),
        (lambda: Failures(heartbeat_us=10, offline_after_us=9), "failures.offline_after_us must be"),
        (lambda: Startup(warm_up_factor=0.5), "startup.warm_up_factor must be"),
        (lambda: Failures(mtbf_us=-1), "failures.mtbf_us must be"),
        (lambda: Retries(limit=21), "retries.limit must be"),
        (lambda: Retries(budget=-0.1), "retries.budget must be"),
        (lambda: Breaker(failures=-1), "breaker.failures must be"),
        (lambda: Breaker(open_us=0), "breaker.open_us must be"),
        (lambda: Cluster(2, failures=Failures((Outage((2,), 0, 1),))), r"failures.scheduled\[0\].instances must be"),
    ],
)
def test_wrong_numbers_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_scenario_file_says_who_fails_and_is_read_back_equal():
    given = {
        "instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 0, 0]}, "kv": {"blocks": 100}},
        "cluster": {
            "instances": 2,
            "failures": {"scheduled": [{"instances": [1], "at_us": 5, "down_us": 7}]},
            "startup": {"load_us": 3},
            "retries": {"limit": 2},
            "breaker": {"failures": 3},
        },
    }
    scenario = load_scenario(given)
    assert scenario.cluster.failures == Failures((Outage((1,), 5, 7),))
    assert scenario.cluster.startup == Startup(load_us=3)
    assert scenario.cluster.breaker == Breaker(failures=3)
    assert load_scenario(scenario_mapping(scenario)) == scenario


def test_nothing_of_it_is_written_where_nobody_fails():
    given = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 0, 0]}, "kv": {"blocks": 100}}}
    assert not {"failures", "retries", "breaker", "startup", "autoscaling"} & set(
        scenario_mapping(load_scenario(given))["cluster"]
    )


def test_without_an_instance_those_behind_it_move_up_and_its_own_outages_are_gone():
    failures = Failures((Outage((0, 2), 5, 7), Outage((1,), 8, 1), Outage((3, 1), 9, 1, 4)), mtbf_us=3)
    left = (Outage((0, 1), 5, 7), Outage((2,), 9, 1, 4))
    assert failures.without(1) == Failures(left, mtbf_us=3)
