"""Races end in any order, and whoever is left stays in the list."""

from __future__ import annotations

from blis.config import Batch, Failures, Hedging, Outage, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests


def test_races_that_end_in_another_order_than_they_began():
    """Three copies on two instances: the last one's request is lost first, then the others are decided."""
    never = Failures((Outage((2,), 330, 10_000),), heartbeat_us=0, offline_after_us=10**12)
    scenario = deployment(
        3,
        hedging=Hedging(100, saved=100),
        failures=never,
        routing=Routing("round-robin"),
        engine={"batch": Batch(max_running=1)},
    )
    table = requests([0, 1, 2, 10, 11, 12], [6, 5, 9, 2, 2, 2])
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    assert result.status_names().count("completed") + result.status_names().count("lost") == 6
    assert result.attempts.status_names().count("abandoned") > 0
