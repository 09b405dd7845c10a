"""Who follows whom in a table of recorded requests: rows behind their openers, and conversations cut in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.subset import take_rows


def closed_loop(
    table: RequestTable, arrival_us: NDArray[np.int64], follows: NDArray[np.int64], think_us: NDArray[np.int64]
) -> RequestTable:
    """The table in a closed loop: rows of a session stand behind the one that opens it, as RequestTable wants them.

    arrival_us: [n] of those who follow nobody. follows: [n] a row of the table, -1 = none. think_us: [n] from that
    one's answer on, at least 1 if it is less.
    """
    opener, depth = openers(follows)
    rows = np.lexsort((np.arange(len(table)), depth, opener, arrival_us[opener]))
    sizes = np.diff(table.path_offset)[rows]
    entries = np.arange(len(table.path_node)) + np.repeat(table.path_offset[rows] - (np.cumsum(sizes) - sizes), sizes)
    place = np.empty(len(table), np.int64)
    place[rows] = np.arange(len(table))
    waits = follows >= 0
    columns: dict[str, Any] = {
        "arrival_us": np.where(waits, -1, arrival_us)[rows],
        "predecessor": np.where(waits, place[follows], -1)[rows].astype(np.int32),
        "think_us": np.where(waits, np.maximum(think_us, 1), 0)[rows],
    }
    for column in columns.values():
        column.setflags(write=False)
    if not waits.any():
        columns["predecessor"] = columns["think_us"] = None
    return replace(take_rows(table, rows, entries), cache={}, **columns)


def openers(follows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n] the row that each follows from in the end, and in how many steps."""
    n = len(follows)
    depth = (follows >= 0).astype(np.int64)
    opener = np.where(follows >= 0, follows, np.arange(n))
    for _ in range(n.bit_length() + 1):  # twice as far each time
        depth, opener = depth + depth[opener], opener[opener]
    if (follows[opener] >= 0).any():
        raise InputError(f"request {int(np.argmax(follows[opener] >= 0))} follows itself")
    return opener, depth


def cut_at(table: RequestTable, edges_us: Sequence[int]) -> RequestTable:
    """The table in which no conversation goes on across an edge, so that stretches of time are stretches of rows.

    A request is where it comes at the soonest; the first one of a conversation behind an edge comes just then and
    waits for nobody. Without a closed loop the table is as it was.
    """
    if table.predecessor is None or table.think_us is None:
        return table
    stretch = np.searchsorted(edges_us, table.soonest_us, side="right")
    stays = (table.predecessor >= 0) & (stretch == stretch[table.predecessor])
    return closed_loop(table, table.soonest_us, np.where(stays, table.predecessor, -1), table.think_us)
