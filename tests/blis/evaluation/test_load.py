"""How loaded a cluster was: a step takes 100 µs, so all of it can be told by hand."""

import pytest

from blis.config import Admission, Autoscaling, Batch, FlowControl
from blis.engine.run import simulate
from blis.evaluation.load import Load, load_of
from tests.blis.engine.plain_times import deployment, requests


def load(scenario, table) -> Load:
    return load_of(scenario, table, simulate(scenario, table))


def test_rates_are_those_of_the_second_half_of_the_arrivals():
    table = requests([1000, 1100, 1300, 1500, 1600, 2000], 2)
    found = load(deployment(4), table)
    assert found.offered_per_s == pytest.approx(2 / 500e-6)
    # done by 1500 are the first three, the one of 2000 is done later
    assert found.served_per_s == pytest.approx(2 / 500e-6)
    assert load(deployment(4), requests([1000, 1400, 2000], 2)).served_per_s == pytest.approx(1 / 500e-6)


def test_utilisation_is_the_share_of_time_in_steps():
    # one instance works from 1000 to 1200 and from 1300 to 1500, the other never
    assert load(deployment(2), requests([1000, 1300], 2)).utilisation == pytest.approx(400 / (2 * 500))


def test_of_instances_that_come_and_go_only_the_time_counts_that_they_are_there():
    scaled = Autoscaling(maximum=3, concurrency=1, sync_us=100_000)
    found = load(deployment(1, autoscaling=scaled), requests([0], 4))
    assert (found.instances, found.utilisation) == (1, 1)
    assert load(deployment(3, autoscaling=scaled), requests([0], 4)).utilisation == pytest.approx(1 / 3)


def test_whoever_waits_for_more_than_one_step_waits():
    assert load(deployment(), requests([0, 50, 60], 9)).waited_share == 0
    one_by_one = deployment(engine={"batch": Batch(max_running=1)})
    assert load(one_by_one, requests([0, 1000, 1010], 3)).waited_share == pytest.approx(1 / 3)


def test_who_is_held_at_the_gateway_waits():
    gate = FlowControl(True, "concurrency", max_concurrency=1)
    assert load(deployment(flow_control=gate), requests([0, 10], 3)).waited_share == 0.5


def test_who_is_not_served_is_not_served_at_once():
    found = load(deployment(admission=Admission("reject-all")), requests([0, 10], 3))
    assert (found.utilisation, found.served_per_s, found.waited_share) == (0, 0, 1)


def test_requests_that_come_at_once_have_no_rate():
    found = load(deployment(), requests([5, 5], 1))
    assert (found.offered_per_s, found.served_per_s, found.utilisation) == (0, 0, 1)
