"""Requests of a conversation as turns: the next comes when the answer before it is there and the client has thought."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.subset import take_rows

CLOSED, ARRIVALS = "closed", "arrivals"

#: How the turns of a recorded conversation are replayed.
TURNS = (CLOSED, ARRIVALS)


def turns_before(table: RequestTable) -> NDArray[np.int64]:
    """[n] the row with the round before of the same session, -1 for its first and for rows without a session."""
    order = np.lexsort((np.arange(len(table)), table.round, table.session))
    session = table.session[order]
    goes_on = np.append(False, (session[1:] == session[:-1]) & (session[1:] >= 0))
    before = np.full(len(table), -1, np.int64)
    before[order] = np.where(goes_on, np.roll(order, 1), -1)
    return before


def in_turns(
    table: RequestTable, follows: NDArray[np.int64], took_us: NDArray[np.int64], think_us: NDArray[np.int64]
) -> RequestTable:
    """The table in a closed loop, and in its notes what was made of the recorded times.

    follows: [n] a row of the table, -1 = none. took_us: [n] from a request to its answer; think_us: [n] from the answer
    that a row waits for to the row; both below 0 where that is not known. Who came before the answer did not wait for
    it and keeps its arrival; where nothing is known of an answer, the pause is that from request to request.
    """
    gap_us = table.arrival_us - table.arrival_us[follows]
    pause_us = np.where(think_us >= 0, think_us, gap_us - np.maximum(took_us[follows], 0))
    early = (follows >= 0) & (pause_us < 0)
    unknown = (follows >= 0) & (think_us < 0) & (took_us[follows] < 0)
    follows = np.where(early, -1, follows)
    turns = int((follows >= 0).sum())
    if not turns:
        return table
    said = [f"{turns} of {len(table)} requests come when the one before is answered, after a pause"]
    if unknown.any():
        said.append(f"of {unknown.sum()} turns it is the pause from request to request: when answers came is not known")
    if early.any():
        said.append(f"{early.sum()} turns came before the answer to the one before: they keep their arrivals")
    return replace(_closed_loop(table, follows, pause_us), notes=(*table.notes, *said))


def _closed_loop(table: RequestTable, follows: NDArray[np.int64], pause_us: NDArray[np.int64]) -> RequestTable:
    """Rows of a session stand behind the one that opens it, as RequestTable wants them."""
    opener, depth = openers(follows)
    rows = np.lexsort((np.arange(len(table)), depth, opener))
    sizes = np.diff(table.path_offset)[rows]
    entries = np.arange(len(table.path_node)) + np.repeat(table.path_offset[rows] - (np.cumsum(sizes) - sizes), sizes)
    place = np.empty(len(table), np.int64)
    place[rows] = np.arange(len(table))
    waits = follows >= 0
    columns: dict[str, Any] = {
        "arrival_us": np.where(waits, -1, table.arrival_us)[rows],
        "predecessor": np.where(waits, place[follows], -1)[rows].astype(np.int32),
        "think_us": np.where(waits, np.maximum(pause_us, 1), 0)[rows],
    }
    for column in columns.values():
        column.setflags(write=False)
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
