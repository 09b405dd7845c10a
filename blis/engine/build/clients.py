"""Clients as arrays: every attempt is a row, and what becomes of all attempts of a request is what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Clients, Compat, Scenario
from blis.engine.columns import COUNTS, TIMES
from blis.engine.records import NEVER_US, NONE
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.records import ABANDONED, IN_TRANSIT, NOT_ARRIVED
from blis.tables.requests import RequestTable, draws
from blis.tables.results import ResultTable

#: Columns that count from the first time that the client has asked.
_FROM_ARRIVAL = ("ttft_us", "e2e_us", "scheduling_delay_us")


def check_clients(scenario: Scenario, compat: Compat) -> None:
    """Raise InputError where clients are to do more than wait in a run like the original's, which has no such."""
    if scenario.clients.any and compat != Compat():
        raise InputError("clients: those of the original wait for ever; leave compat out, or the clients")


def encode_clients(clients: Clients, table: RequestTable, requests: int) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers of CONFIG and the arrays of World. table: with a row an attempt; requests: how many are asked for."""
    config: dict[str, float] = {
        "first_asks": requests,
        "first_token_timeout_us": clients.first_token_timeout_us,
        "timeout_us": clients.timeout_us,
        "cancels": clients.cancel,
        "asks_budget": -1.0 if clients.budget is None else clients.budget,
        "most_asks": 10 * clients.saved,
    }
    arrays = {
        "waits_us": pauses_us(clients, table, requests) if clients.attempts > 1 else _NOBODY,
        "gave_up_us": _NOBODY if clients.patient else np.empty(len(table), np.int64),
    }
    return config, arrays


def pauses_us(clients: Clients, table: RequestTable, requests: int) -> NDArray[np.int64]:
    """[attempts] how long the client waits before each, 0 before the first; settled before the run."""
    before = np.arange(len(table)) // max(requests, 1) - 1
    longest_us = clients.backoff_us * 2.0 ** np.maximum(before, 0)
    waits_us = longest_us * (1.0 - clients.jitter * draws(table.uniform, "backoff"))
    return np.where(before < 0, 0, np.maximum(waits_us, 1)).astype(np.int64)


def answered(attempts: ResultTable, asked_us: Array, requests: int) -> ResultTable:
    """What became of the requests: the latest attempt of each, latencies from the first one on.

    asked_us: [attempts] when each is made, NEVER_US if it is not. Who waits to ask again when the run ends is in
    transit; who has given up is abandoned, and whatever came later is not the client's.
    """
    made = asked_us.reshape(-1, requests) < NEVER_US
    made[0] = True
    number = made.sum(axis=0) - 1
    latest = number * requests + np.arange(requests)
    columns = {name: getattr(attempts, name)[latest] for name in (*TIMES, *COUNTS, "retry_after_us")}
    waits = (number > 0) & (columns["status"] == NOT_ARRIVED)
    columns["status"][waits] = IN_TRANSIT
    gave_up_us = np.full(requests, NONE, np.int64) if attempts.gave_up_us is None else attempts.gave_up_us[latest]
    _give_up(columns, gave_up_us, attempts.arrival_us[latest])
    arrival_us = attempts.arrival_us[:requests]
    later_us = attempts.arrival_us[latest] - arrival_us
    for name in _FROM_ARRIVAL:
        columns[name] = np.where(columns[name] >= 0, columns[name] + later_us, NONE)
    gaps = attempts.gaps[np.isin(attempts.gaps["request"], latest)]
    gaps["request"] %= max(requests, 1)
    return replace(
        attempts,
        **columns,
        arrival_us=arrival_us,
        gaps=gaps,
        retries=_summed(attempts.retries, requests),
        accepted=None if attempts.accepted is None else attempts.accepted[latest],
        decisions=None if attempts.decisions is None else attempts.decisions[latest],
        asked=(number + 1 - waits).astype(np.int32),
        gave_up_us=gave_up_us,
        adapter_us=None if attempts.adapter_us is None else attempts.adapter_us[latest],
        attempts=attempts,
    )


def _summed(retries: Array | None, requests: int) -> Array | None:
    """[requests] over all attempts of each."""
    return None if retries is None else retries.reshape(-1, requests).sum(axis=0, dtype=np.int32)


def _give_up(columns: dict[str, Any], gave_up_us: NDArray[np.int64], asked_us: NDArray[np.int64]) -> None:
    """Requests whose clients have given up are abandoned, and keep a first token only if it had come before."""
    gone = gave_up_us >= 0
    columns["status"][gone] = ABANDONED
    for name in ("completed_us", "e2e_us"):
        columns[name][gone] = NONE
    unseen = gone & (asked_us + columns["ttft_us"] >= gave_up_us)
    for name in ("first_token_us", "ttft_us"):
        columns[name][unseen] = NONE


_NOBODY = np.zeros(0, np.int64)
