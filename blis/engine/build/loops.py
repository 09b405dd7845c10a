"""Closed loops as arrays: who follows whom, and after which thought."""

from __future__ import annotations

import numpy as np

from blis.config import Compat
from blis.engine.build.arrays import blank, room
from blis.engine.records import HEAP, LOOP, NEVER_US
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.requests import RequestTable


def check_loops(table: RequestTable, compat: Compat) -> None:
    """Raise InputError where a closed loop is asked of the original, which has none."""
    if table.closed and compat.ids_as_text:
        raise InputError("compat ids_as_text: the original has no closed loops; replay the recorded arrivals instead")


def loops(table: RequestTable, requests: int) -> dict[str, Array]:
    """The arrays of World that are about closed loops; without rows where nobody follows anybody.

    requests: those that are asked for the first time; behind them stand further attempts, which whoever follows one of
    them follows too.
    """
    if table.predecessor is None or table.think_us is None:
        return _NONE
    followers = np.argsort(table.predecessor, kind="stable")[np.count_nonzero(table.predecessor < 0) :]
    found = blank(LOOP, len(table))
    found.think_us = table.think_us
    rows = np.arange(len(table))
    found.first, found.end = (np.searchsorted(table.predecessor[followers], rows, side) for side in ("left", "right"))
    followed = found.end > found.first
    found.soonest_us[followed] = np.minimum.reduceat(table.think_us[followers], found.first[followed])
    for name in ("first", "end", "soonest_us"):
        found[name] = np.tile(found[name][:requests], len(table) // max(requests, 1))
    return {
        "loops": found,
        "followers": followers.astype(np.int32),
        "line": np.empty(len(table), np.int32),
        "releases": room(HEAP, (1, len(followers) + len(table) - requests)),
        "thoughts": room(HEAP, (1, len(table))),
    }


def own_rows(rows: Array) -> Array:
    """ROW for one run: it notes the arrivals of those who follow others."""
    own = rows.copy()
    own.arrival_us[own.arrival_us < 0] = NEVER_US
    return own


_NONE = {
    "loops": blank(LOOP, 0),
    "followers": np.empty(0, np.int32),
    "line": np.empty(0, np.int32),
    "releases": room(HEAP, (1, 0)),
    "thoughts": room(HEAP, (1, 0)),
}
