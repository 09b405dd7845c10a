"""Laws of clients that give up and ask again: nobody waits for longer than he says, and nobody asks without a reason.

n requests; attempt k of request r is row k n + r of `ResultTable.attempts`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.build.clients import pauses_us
from blis.engine.records import NEVER_US
from blis.tables.attempts import with_attempts
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, IN_TRANSIT, LOST, NOT_ARRIVED, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


def check_clients(scenario: Scenario, table: RequestTable, result: ResultTable) -> list[str]:
    """One line for each law that clients or their servers break, with the first attempt that shows it."""
    attempts, n = result.attempts, len(table)
    assert attempts is not None
    gave_up_us = _gave_up_us(attempts)
    found = {
        "attempt {} was given up at another time than its client's": _wrong_time(scenario, attempts, gave_up_us),
        "attempt {} was given up by a client that had what it waited for": _needless(scenario, attempts, gave_up_us),
        "attempt {} was waited for too long": _overdue(scenario, attempts, gave_up_us),
        "attempt {} is abandoned though nobody gave it up, or runs on though its servers noticed": _unnoticed(
            scenario, attempts, gave_up_us
        ),
        "attempt {} was made though the one before had not failed": _unasked(attempts, gave_up_us, n),
        "attempt {} was made after another pause than its client's": _wrong_pause(
            scenario, table, attempts, gave_up_us
        ),
        "request {} is not what became of its latest attempt": _wrong_end(result, attempts, gave_up_us, n),
    }
    violations = [
        text.format(int(np.argmax(broken))) + (f" (and {count - 1} more)" if count > 1 else "")
        for text, broken in found.items()
        if (count := int(np.count_nonzero(broken)))
    ]
    return violations + _over_budget(scenario, attempts, n)


def answered_us(scenario: Scenario, attempts: ResultTable) -> Ints:
    """[n] when the client of each request had its answer, NEVER_US if it has none. attempts: rows that ran.

    Of a request and its copy the one whose last token came first has answered, the request before its copy.
    """
    clients, horizon_us = scenario.clients, scenario.horizon_us or NEVER_US
    heard = (attempts.e2e_us >= 0) & (_gave_up_us(attempts) < 0)
    if clients.timeout_us:
        heard &= attempts.e2e_us < clients.timeout_us
    if clients.first_token_timeout_us:  # whoever gives up behind the horizon does so
        heard &= _has_token(scenario, attempts) | (attempts.arrival_us <= horizon_us - clients.first_token_timeout_us)
    when_us = np.where(heard, attempts.arrival_us + attempts.e2e_us, NEVER_US).reshape(scenario.rows_a_request, -1)
    if not scenario.cluster.hedging.any:
        return np.ascontiguousarray(when_us.min(axis=0))
    first = np.where(heard, attempts.completed_us, NEVER_US).reshape(2, -1).argmin(axis=0)
    return np.ascontiguousarray(np.take_along_axis(when_us, first[None], axis=0)[0])


def _gave_up_us(attempts: ResultTable) -> Ints:
    if attempts.gave_up_us is None:
        return np.full(len(attempts), -1, np.int64)
    return attempts.gave_up_us


def _has_token(scenario: Scenario, attempts: ResultTable) -> Mask:
    """Whether the first token, or the end of a request without any, came in time."""
    token_us = np.where(attempts.ttft_us >= 0, attempts.ttft_us, attempts.e2e_us)
    return (token_us >= 0) & (token_us < scenario.clients.first_token_timeout_us)


def _has_answer(scenario: Scenario, attempts: ResultTable) -> Mask:
    return (attempts.e2e_us >= 0) & (attempts.e2e_us < scenario.clients.timeout_us)


def _wrong_time(scenario: Scenario, attempts: ResultTable, gave_up_us: Ints) -> Mask:
    waited_us = gave_up_us - attempts.arrival_us
    clients = scenario.clients
    known = np.isin(waited_us, [clients.first_token_timeout_us, clients.timeout_us])
    return (gave_up_us >= 0) & ~known


def _needless(scenario: Scenario, attempts: ResultTable, gave_up_us: Ints) -> Mask:
    """What a request had got that was sent again later is not known any more."""
    clients, waited_us = scenario.clients, gave_up_us - attempts.arrival_us
    early = (waited_us == clients.first_token_timeout_us) & _has_token(scenario, attempts)
    whole = (waited_us == clients.timeout_us) & _has_answer(scenario, attempts)
    same = clients.first_token_timeout_us == clients.timeout_us
    again = np.zeros(len(attempts), np.bool_) if attempts.retries is None else attempts.retries > 0
    return (gave_up_us >= 0) & ((whole & early if same else whole | early) & ~again)


def _overdue(scenario: Scenario, attempts: ResultTable, gave_up_us: Ints) -> Mask:
    clients, horizon_us = scenario.clients, scenario.horizon_us or NEVER_US
    waits = (gave_up_us < 0) & ~np.isin(attempts.status, [NOT_ARRIVED, REJECTED, DROPPED, LOST])
    again = np.zeros(len(attempts), np.bool_) if attempts.retries is None else attempts.retries > 0
    late = np.zeros(len(attempts), np.bool_)
    if clients.first_token_timeout_us:
        due = attempts.arrival_us <= horizon_us - clients.first_token_timeout_us
        late |= due & ~_has_token(scenario, attempts) & ~again
    if clients.timeout_us:
        late |= (attempts.arrival_us <= horizon_us - clients.timeout_us) & ~_has_answer(scenario, attempts)
    return waits & late


def _unnoticed(scenario: Scenario, attempts: ResultTable, gave_up_us: Ints) -> Mask:
    """Whoever was to be completed in the step that ran is; behind the horizon he still runs."""
    abandoned = attempts.status == ABANDONED
    if not scenario.clients.cancel:
        return abandoned
    waits = np.isin(attempts.status, [IN_TRANSIT, NOT_ARRIVED, REJECTED, LOST])
    return (abandoned & (gave_up_us < 0)) | (waits & (gave_up_us >= 0))


def _unasked(attempts: ResultTable, gave_up_us: Ints, n: int) -> Mask:
    failed = (gave_up_us >= 0) | np.isin(attempts.status, [REJECTED, LOST])
    broken = np.zeros(len(attempts), np.bool_)
    broken[n:] = (attempts.arrival_us[n:] >= 0) & ~failed[: len(attempts) - n]
    return broken


def _wrong_pause(scenario: Scenario, table: RequestTable, attempts: ResultTable, gave_up_us: Ints) -> Mask:
    """After a rejection it may be longer, and begins when the client hears of it."""
    n, pause_us = len(table), pauses_us(scenario.clients, with_attempts(table, scenario.clients.attempts), len(table))
    begins_us = np.where(gave_up_us >= 0, gave_up_us, attempts.arrival_us)[: len(attempts) - n]
    pauses, made = attempts.arrival_us[n:] - begins_us, attempts.arrival_us[n:] >= 0
    exact = gave_up_us[: len(attempts) - n] >= 0
    broken = np.zeros(len(attempts), np.bool_)
    broken[n:] = made & np.where(exact, pauses != pause_us[n:], pauses < pause_us[n:])
    return broken


def _wrong_end(result: ResultTable, attempts: ResultTable, gave_up_us: Ints, n: int) -> Mask:
    """[n] completed or abandoned as the latest attempt that was made, at its time."""
    made = attempts.arrival_us.reshape(-1, n) >= 0
    latest = np.where(made.any(axis=0), len(made) - 1 - np.argmax(made[::-1], axis=0), 0) * n + np.arange(n)
    gone = gave_up_us[latest] >= 0
    completed = (attempts.status[latest] == COMPLETED) & ~gone
    end_us = attempts.arrival_us[latest] + attempts.e2e_us[latest]
    wrong = (result.status == COMPLETED) != completed
    wrong |= (result.status == ABANDONED) & ~gone
    return wrong | (completed & (result.arrival_us + result.e2e_us != end_us))


def _over_budget(scenario: Scenario, attempts: ResultTable, n: int) -> list[str]:
    """Clients asked again more often than they may have saved."""
    clients = scenario.clients
    again = int(np.count_nonzero(attempts.arrival_us[n:] >= 0))
    if clients.budget is None or again <= clients.saved + clients.budget * n + 1e-6 * n:
        return []
    return [f"clients asked again {again} times, which their budget does not allow"]
