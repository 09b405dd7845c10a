"""Each law of clients is broken by a result that is not so."""

from dataclasses import replace

import pytest

from blis.config import Batch, Clients
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

CLIENTS = Clients(first_token_timeout_us=300, attempts=2, backoff_us=400, budget=1.0)


@pytest.fixture
def case():
    """Request 1 is given up at 310, asks again at 710 and gives up for good at 1010."""
    scenario = replace(deployment(engine={"batch": Batch(max_running=1)}), clients=CLIENTS)
    table = requests([0, 10, 2000], [10, 1, 1])
    return scenario, table, simulate(scenario, table)


def broken(case, clients=CLIENTS, request=None, **columns):
    """The laws that a changed result breaks."""
    scenario, table, result = case
    attempts = result.attempts
    for name, (row, value) in columns.items():
        column = getattr(attempts, name).copy()
        column[row] = value
        attempts = replace(attempts, **{name: column})
    result = replace(result, attempts=attempts, **(request or {}))
    return check_laws(replace(scenario, clients=clients), table, result)


def test_a_run_breaks_none(case):
    assert broken(case) == []


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"gave_up_us": (1, 311)}, "attempt 1 was given up at another time"),
        ({"gave_up_us": (0, 300)}, "attempt 0 was given up by a client that had what it waited for"),
        ({"gave_up_us": (4, -1)}, "attempt 4 was waited for too long"),
        ({"gave_up_us": (1, -1)}, "attempt 1 is abandoned though nobody gave it up"),
        ({"arrival_us": (5, 2500)}, "attempt 5 was made though the one before had not failed"),
        ({"arrival_us": (4, 711)}, "attempt 4 was made after another pause"),
    ],
)
def test_attempts_that_are_not_so_are_found(case, columns, words):
    assert any(words in law for law in broken(case, **columns))


def test_servers_that_do_not_notice_abandon_nobody(case):
    assert any("attempt 1 is abandoned" in law for law in broken(case, replace(CLIENTS, cancel=False)))


def test_more_attempts_than_the_budget_allows_are_found(case):
    poor = replace(CLIENTS, budget=0.0, saved=0.0)
    assert any("clients asked again 1 times" in law for law in broken(case, poor))


@pytest.mark.parametrize(("name", "row", "value"), [("status", 1, 0), ("e2e_us", 0, 999)])
def test_a_request_that_is_not_what_became_of_it_is_found(case, name, row, value):
    column = getattr(case[2], name).copy()
    column[row] = value
    assert any(f"request {row} is not what became" in law for law in broken(case, request={name: column}))


def test_instances_count_who_is_abandoned(case):
    counters = case[2].attempts.instances.copy()
    counters["abandoned"] += 1
    result = replace(case[2], attempts=replace(case[2].attempts, instances=counters))
    assert any("counts other abandoned" in law for law in check_laws(case[0], case[1], result))
