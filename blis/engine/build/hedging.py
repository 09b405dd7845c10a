"""Hedging as arrays, and what becomes of a request of which a copy was sent: what became of the one that served it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from blis.config import Compat, Scenario
from blis.engine.build.arrays import room
from blis.engine.columns import COUNTS, TIMES
from blis.engine.records import HEAP, NONE
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.records import ABANDONED, DROPPED, LOST, NOT_ARRIVED
from blis.tables.results import ResultTable


def check_hedging(scenario: Scenario, compat: Compat) -> None:
    """Raise InputError where copies are to be sent in a run like the original's, which knows no such thing."""
    if scenario.cluster.hedging.any and compat != Compat():
        raise InputError("cluster.hedging: the original knows no such thing; leave compat out, or cluster.hedging")


def encode_hedging(scenario: Scenario, requests: int) -> tuple[dict[str, float], dict[str, Array]]:
    """The numbers of CONFIG and the arrays of World, without rows where no copies are sent."""
    hedging, limit = scenario.cluster.hedging, scenario.cluster.retries.limit
    rows = requests if hedging.any else 0
    config: dict[str, float] = {
        "hedge_after_us": hedging.after_us,
        "hedge_budget": hedging.budget,
        "most_hedges": 10 * hedging.saved,
    }
    arrays = {
        "rivals": np.full(2 * rows, NONE),
        "serving": np.arange(rows),
        "races": np.empty(rows, np.int64),
        "watched": room(HEAP, rows * (1 + limit)),
    }
    return config, arrays


def served(rows: ResultTable, serving: Array, wasted_tokens: int) -> ResultTable:
    """What became of the requests. rows: of them and, behind them, of their copies; serving: [requests] the row.

    Who was told that he cannot be served is served by the other, if that can.
    """
    requests = len(serving)
    copies = np.arange(requests, 2 * requests)
    other = np.where(serving < requests, copies, copies - requests)
    serves = ~np.isin(rows.status[other], [NOT_ARRIVED, DROPPED, LOST, ABANDONED])
    chosen = np.where((rows.status[serving] == DROPPED) & serves, other, serving)
    gaps = rows.gaps[np.isin(rows.gaps["request"], chosen)]
    gaps["request"] %= max(requests, 1)
    return replace(
        rows,
        **{name: getattr(rows, name)[chosen] for name in (*TIMES, *COUNTS, "retry_after_us")},
        arrival_us=rows.arrival_us[:requests],
        gaps=gaps,
        retries=None if rows.retries is None else rows.retries[:requests] + rows.retries[requests:],
        accepted=None if rows.accepted is None else rows.accepted[chosen],
        adapter_us=None if rows.adapter_us is None else rows.adapter_us[chosen],
        decisions=None if rows.decisions is None else rows.decisions[chosen],
        hedged=rows.status[requests:] != NOT_ARRIVED,
        wasted_tokens=wasted_tokens,
        attempts=rows,
    )
