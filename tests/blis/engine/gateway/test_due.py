"""Who gives up when, in the order of arrivals, whatever the servers do meanwhile."""

from dataclasses import replace

from blis.config import Clients
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def gave_up(arrivals_us, outputs, **clients):
    scenario = replace(deployment(), clients=Clients(**clients))
    return simulate(scenario, requests(arrivals_us, outputs)).gave_up_us.tolist()


def test_each_waits_from_its_own_arrival():
    assert gave_up([0, 30, 60, 90], [9, 1, 9, 1], timeout_us=400) == [400, -1, 460, -1]


def test_the_sooner_of_both_counts():
    assert gave_up([0, 5], 9, first_token_timeout_us=50, timeout_us=400) == [50, 55]
    assert gave_up([0, 5], 9, first_token_timeout_us=900, timeout_us=400) == [400, 405]


def test_nobody_gives_up_behind_the_horizon():
    scenario = replace(deployment(horizon_us=399), clients=Clients(timeout_us=400))
    result = simulate(scenario, requests([0], 9))
    assert (result.gave_up_us.tolist(), result.status_names()) == ([-1], ["running"])
