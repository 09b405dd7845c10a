"""Each law of hedging is broken by a result that is not so."""

from dataclasses import replace

import pytest

from blis.config import Batch, Hedging, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests


@pytest.fixture
def case():
    """Request 1 waits; its copy, row 4, begins at 210 and serves it from 310 on."""
    scenario = deployment(
        2,
        hedging=Hedging(200, 0, 1),
        routing=Routing("always-busiest", tie_break="first"),
        engine={"batch": Batch(max_running=1)},
    )
    table = requests([0, 10, 2000], [10, 3, 1])
    return scenario, table, simulate(scenario, table)


def broken(case, hedging=None, request=None, **columns):
    """The laws that a changed result breaks."""
    scenario, table, result = case
    rows = result.attempts
    for name, (row, value) in columns.items():
        column = getattr(rows, name).copy()
        column[row] = value
        rows = replace(rows, **{name: column})
    result = replace(result, attempts=rows, **(request or {}))
    if hedging:
        scenario = replace(scenario, cluster=replace(scenario.cluster, hedging=hedging))
    return check_laws(scenario, table, result)


def test_a_run_breaks_none(case):
    assert broken(case) == []


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"instance": (4, 0)}, "a copy of request 1 was sent to the instance where that was"),
        ({"routed_us": (4, 211)}, "a copy of request 1 was sent at another time"),
        ({"first_token_us": (1, 200)}, "request 1 had its first token before its copy was sent"),
        ({"first_token_us": (4, -1), "generated_tokens": (4, 0), "status": (4, 2)}, "request 1 was cancelled though"),
        ({"first_token_us": (1, 300)}, "request 1 was cancelled though"),
        ({"status": (1, 0)}, "request 1 and its copy were both served to the end"),
        ({"e2e_us": (4, 501)}, "request 1 is not what became of itself or its copy"),
    ],
)
def test_copies_that_are_not_so_are_found(case, columns, words):
    assert any(words in law for law in broken(case, **columns))


def test_more_copies_than_the_budget_allows_are_found(case):
    assert "1 copies were sent, which their budget does not allow" in broken(case, Hedging(200, 0, 0.5))
