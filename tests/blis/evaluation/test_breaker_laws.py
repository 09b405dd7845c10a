"""The law of circuit breakers finds what was sent too soon."""

from dataclasses import replace

import pytest

from blis.config import Breaker, Failures, Outage, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

WORDS = "instance 0 was sent a request though its breaker was open"


def laws(breaker: Breaker) -> list[str]:
    """Of a run without a breaker in which three are refused at 10, 20 and 120, looked at as if it had had one."""
    never = Failures((Outage((0,), 5, 1000),), heartbeat_us=0, offline_after_us=10**12)
    scenario = deployment(2, failures=never, routing=Routing("least-loaded", tie_break="first"))
    table = requests([10, 20, 120])
    result = simulate(scenario, table)
    assert result.status_names() == ["lost"] * 3
    return check_laws(replace(scenario, cluster=replace(scenario.cluster, breaker=breaker)), table, result)


@pytest.mark.parametrize("breaker", [Breaker(1, 11), Breaker(2, 101), Breaker(1, 101)])
def test_what_was_sent_too_soon_is_found(breaker):
    assert laws(breaker) == [WORDS]


@pytest.mark.parametrize("breaker", [Breaker(), Breaker(1, 10), Breaker(2, 100), Breaker(3, 1000)])
def test_what_was_not_is_fine(breaker):
    assert laws(breaker) == []
