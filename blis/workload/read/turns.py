"""Requests of a conversation as turns: the next comes when the answer before it is there and the client has thought."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.follow import closed_loop

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
    return replace(closed_loop(table, table.arrival_us, follows, pause_us), notes=(*table.notes, *said))
