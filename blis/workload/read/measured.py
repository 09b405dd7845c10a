"""Requests of files that say what became of each: the requests alone, without those that warmed the server up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from blis.errors import InputError
from blis.tables.network import Network
from blis.tables.requests import RequestTable
from blis.workload.read.turns import CLOSED, in_turns, turns_before
from blis.workload.recorded.doubts import doubts
from blis.workload.recorded.recording import Recording
from blis.workload.subset import keep_rows


def requests_of(load: Callable[[str | Path], Recording], path: str | Path, turns: str = CLOSED) -> RequestTable:
    """The requests that were answered, from the first on; rows of a session as turns, which TURNS says how.

    Raises InputError if the times must be in another unit.
    """
    found = load(path)
    if doubtful := doubts(found, Network()):
        raise InputError(f"{path}: {doubtful[0].removeprefix(f'{found.source}: ')}")
    warm_up = int(found.warm_up.sum())
    if warm_up == len(found):
        raise InputError(f"{path}: all {warm_up} answered requests were there to warm the server up")
    table = keep_rows(found.requests, found.scored) if warm_up else found.requests
    arrival_us = table.arrival_us - table.first_arrival_us
    arrival_us.setflags(write=False)
    left = (f"{warm_up} requests were there to warm the server up and are left out",) if warm_up else ()
    notes = (*found.notes, *left, "times count from the first request on")
    table = replace(table, arrival_us=arrival_us, notes=notes, cache={})
    took_us = (found.completed_us - found.requests.arrival_us)[found.scored]
    return in_turns(table, turns_before(table), took_us, np.full(len(table), -1)) if turns == CLOSED else table
