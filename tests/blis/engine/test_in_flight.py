"""Who is in flight, as those see it who ask: a step takes 100 µs, a prompt has 8 tokens."""

from __future__ import annotations

import pytest

from blis.config import Admission, Batch, Routing, Scorer
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def in_flight_tokens(table, **more) -> list[int]:
    routing = Routing("weighted", scorers=(Scorer("token-load", 1),))
    result = simulate(deployment(routing=routing, **more), table, observe=Observe(decisions=True))
    return result.decisions["in_flight_tokens"][:, 0].tolist()


def test_tokens_are_in_flight_from_the_decision_to_the_last_step():
    # all but the last end in the step at 100, which is seen after that instant
    assert in_flight_tokens(requests([0, 0, 50, 100, 101, 150], [2, 2, 1, 1, 1, 1])) == [0, 8, 16, 24, 0, 8]


def test_who_is_dropped_is_not_in_flight():
    table = requests([0, 1, 2], 2, [range(100), range(500, 508), range(600, 608)])
    assert in_flight_tokens(table, blocks=10) == [0, 0, 8]


@pytest.mark.parametrize(("tenant", "status"), [(0, "rejected"), (1, "rejected"), (2, "completed")])
def test_shares_of_tenants_are_counted_in_tokens(tenant, status):
    # At 60 tenants 0 and 1 have 8 tokens each in flight and somebody waits. Half of 16 + 8 tokens are 12: a tenant
    # that has 8 may not have 8 more, one that has none may.
    admission = Admission("tenant-budget", parameters={"queue_threshold": 0.5, "share": 0.5, "min_priority": 1})
    table = requests([0, 50, 60], 9, tenant=[0, 1, tenant])
    scenario = deployment(admission=admission, engine={"batch": Batch(max_running=1)})
    assert simulate(scenario, table).status_names() == ["completed", "completed", status]


def test_a_tenant_whose_requests_have_left_starts_from_nothing():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 1})
    table = requests([0, 1, 150, 201], [2, 2, 2, 2], tenant=[0, 0, 0, 0])
    assert simulate(deployment(admission=admission), table).status_names() == [
        "completed", "rejected", "completed", "rejected",
    ]  # fmt: skip


def test_who_would_leave_behind_the_horizon_is_in_flight():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 9})
    table = requests([0, 60, 120], 1, tenant=[0, 1, 1])  # steps at 0, 100 and 200
    in_flight = {
        horizon_us: simulate(deployment(admission=admission, horizon_us=horizon_us), table)
        for horizon_us in (99, 100, 199, 200, 299, 300)
    }
    assert [found.instances["in_flight_tokens"].tolist() for found in in_flight.values()] == [
        [16], [8], [16], [8], [8], [0],
    ]  # fmt: skip
    assert [found.tenants["in_flight"].tolist() for found in in_flight.values()] == [
        [2, 1, 1], [1, 0, 1], [2, 0, 2], [1, 0, 1], [1, 0, 1], [0, 0, 0],
    ]  # fmt: skip
    assert all((found.tenants["tokens"] == 8 * found.tenants["in_flight"]).all() for found in in_flight.values())
