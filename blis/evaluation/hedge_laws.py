"""Laws of hedging: one row serves a request, its copy is somewhere else, and there are no more than the budget allows.

n requests; the copy of request r is row n + r of `ResultTable.attempts`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.columns import COUNTS, TIMES
from blis.tables.records import ABANDONED, COMPLETED, LOST, NOT_ARRIVED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Mask = NDArray[np.bool_]


def check_hedges(scenario: Scenario, table: RequestTable, result: ResultTable) -> list[str]:
    """One line for each law that copies break, with the first request that shows it."""
    rows, n = result.attempts, len(table)
    assert rows is not None
    made = rows.status[n:] != NOT_ARRIVED
    found = {
        "a copy of request {} was sent to the instance where that was": made & _together(rows, n),
        "a copy of request {} was sent at another time than after_us later": made & _untimely(scenario, rows, n),
        "request {} had its first token before its copy was sent": made & _needless(rows, n),
        "request {} is not what became of itself or its copy": ~_is_one_of(result, rows, n),
        "request {} was cancelled though its copy had no first token before, or the other way round": _cancelled(
            rows, n
        ),
        "request {} and its copy were both served to the end": _both(table, rows, n),
    }
    violations = [
        text.format(int(np.argmax(broken))) + (f" (and {count - 1} more)" if count > 1 else "")
        for text, broken in found.items()
        if (count := int(np.count_nonzero(broken)))
    ]
    hedging, copies = scenario.cluster.hedging, int(made.sum())
    if copies > hedging.saved + hedging.budget * n + 1e-6 * n:
        violations.append(f"{copies} copies were sent, which their budget does not allow")
    return violations


def _first(rows: ResultTable, n: int) -> Mask:
    """[n] neither the request nor its copy was sent again: what is known of them is all of it."""
    again = np.zeros(2 * n, np.int32) if rows.retries is None else rows.retries
    return (again[:n] == 0) & (again[n:] == 0)


def _together(rows: ResultTable, n: int) -> Mask:
    return _first(rows, n) & (rows.instance[:n] == rows.instance[n:])


def _untimely(scenario: Scenario, rows: ResultTable, n: int) -> Mask:
    after_us = rows.routed_us[n:] - rows.routed_us[:n]
    return _first(rows, n) & (after_us != scenario.cluster.hedging.after_us)


def _needless(rows: ResultTable, n: int) -> Mask:
    token_us = rows.first_token_us[:n]
    return _first(rows, n) & (token_us >= 0) & (token_us < rows.routed_us[n:])


def _is_one_of(result: ResultTable, rows: ResultTable, n: int) -> Mask:
    """[n] all columns are those of one of the two."""
    names = [name for name in (*TIMES, *COUNTS) if name != "arrival_us"]
    first, copy = np.ones(n, np.bool_), np.ones(n, np.bool_)
    for name in names:
        column, both = getattr(result, name), getattr(rows, name)
        first &= column == both[:n]
        copy &= column == both[n:]
    return first | copy


def _cancelled(rows: ResultTable, n: int) -> Mask:
    """[n] one of the two was cancelled, and the other has no first token, or a later one."""
    broken = np.zeros(n, np.bool_)
    for loser, winner in ((slice(n), slice(n, 2 * n)), (slice(n, 2 * n), slice(n))):
        token_us, own_us = rows.first_token_us[winner], rows.first_token_us[loser]
        later = (own_us >= 0) & (own_us < token_us)
        lost = rows.status[winner] == LOST  # what it had got may have been another time
        silent = (token_us < 0) & (rows.generated_tokens[winner] == 0) & (rows.status[winner] != COMPLETED)
        again = np.zeros(n, np.bool_) if rows.retries is None else rows.retries[winner] > 0
        broken |= (rows.status[loser] == ABANDONED) & (silent | later) & ~lost & ~again
    return broken


def _both(table: RequestTable, rows: ResultTable, n: int) -> Mask:
    """[n] whose first token is their last one may both be in their last step when the first of the two ends."""
    both = (rows.status[:n] == COMPLETED) & (rows.status[n:] == COMPLETED)
    return both & (table.output_tokens > 1)
