"""What becomes of a request of which a copy was sent."""

from __future__ import annotations

import pytest

from blis.config import Compat, Hedging
from blis.engine.build.hedging import served
from blis.engine.run import simulate
from blis.errors import InputError
from tests.blis.engine.plain_times import deployment, requests


def test_the_original_knows_no_copies():
    with pytest.raises(InputError, match=r"cluster\.hedging: the original"):
        simulate(deployment(2, hedging=Hedging(100)), requests([0]), Compat.original())


def test_without_copies_nothing_is_said_of_them():
    result = simulate(deployment(2), requests([0]))
    assert (result.hedged, result.wasted_tokens, result.attempts) == (None, 0, None)


def test_who_cannot_be_served_is_served_by_the_other_if_that_can():
    rows = simulate(deployment(2, hedging=Hedging(50)), requests([0, 0], 3)).attempts
    status = rows.status.copy()
    status[0], status[1], status[2], status[3] = 4, 4, 0, 4  # dropped, completed
    assert [name for name in ("completed", "dropped") if name in rows.status_names()] == ["completed"]
    rows.status[:] = [_code("dropped"), _code("dropped"), _code("completed"), _code("dropped")]
    found = served(rows, rows.instance[:2] * 0 + [0, 1], 7)
    assert found.status_names() == ["completed", "dropped"] and found.wasted_tokens == 7


def _code(name: str) -> int:
    from blis.tables.records import STATUS_NAMES

    return STATUS_NAMES.index(name)
