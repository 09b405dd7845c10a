"""What is wrong in clients is said in one line."""

from dataclasses import replace

import pytest

from blis.config import Admission, Clients
from blis.errors import InputError
from blis.scenario import load_scenario, scenario_mapping
from tests.blis.engine.plain_times import deployment


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"attempts": 0}, "clients.attempts must be"),
        ({"timeout_us": -1}, "clients.timeout_us must be"),
        ({"first_token_timeout_us": 10**12}, "clients.first_token_timeout_us must be"),
        ({"backoff_us": 0}, "clients.backoff_us must be"),
        ({"jitter": 1.5}, "clients.jitter must be"),
        ({"budget": -0.1}, "clients.budget must be"),
        ({"saved": -1}, "clients.saved must be"),
    ],
)
def test_wrong_numbers_are_refused(given, words):
    with pytest.raises(InputError, match=words):
        Clients(**given)


def test_nobody_gives_up_who_has_not_been_decided_on():
    scenario = deployment(admission=Admission(latency_us=50))
    with pytest.raises(InputError, match=r"clients.timeout_us must be .*51"):
        replace(scenario, clients=Clients(timeout_us=50))
    assert replace(scenario, clients=Clients(timeout_us=51)).clients.any


def test_a_scenario_file_says_what_clients_do_and_is_read_back_equal():
    given = {"timeout_us": 5_000_000, "attempts": 3, "budget": 0.1, "cancel": False}
    mapping = scenario_mapping(deployment())
    assert "clients" not in mapping
    scenario = load_scenario({**mapping, "clients": given})
    assert scenario.clients == Clients(**given)
    assert load_scenario(scenario_mapping(scenario)) == scenario


def test_who_waits_for_ever_and_asks_once_does_nothing():
    assert not Clients().any
    assert Clients(attempts=2).any and Clients(attempts=2).patient
    assert Clients(timeout_us=1).any
