"""From the rows of a file to requests: in order of time, on a clock that starts with the first; and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.blocks import intern_blocks
from blis.workload.content.tree import InternedContent
from blis.workload.read.clock import since_first
from blis.workload.read.hash_blocks import HashBlocks
from blis.workload.read.names import grouped_content, named_columns
from blis.workload.read.turns import CLOSED, in_turns, turns_before


@dataclass(frozen=True)
class FileRows:
    """The rows of a file, in its order; what it does not say of them is left out, and nothing is shared then.

    times: [n] when they came, >= 0 in time_unit, which the format says, or the user if unit_given. in_order: whether
    rows should be sorted by time. classes, tenants, sessions, prefix_groups: a name for each row, "" = none; rows of a
    session are its rounds. prefix_tokens: [n] that a prompt begins with of its group's. hashes: instead of groups.
    ids: names of the rows, () = request_<row>. follows: [n] row that each waits for, -1 = none; None = the round
    before. took_us: [n] from a request to its answer, think_us: [n] from the answer it waits for to a request, below 0
    = not known. turns: how sessions are replayed, one of TURNS. kept: [n] rows that are requests; the others are
    left_out, which says why. notes: what else is to be said.
    """

    path: str | Path
    times: NDArray[Any]
    time_unit: str
    unit_given: bool
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    in_order: bool = True
    classes: Sequence[str] = ()
    tenants: Sequence[str] = ()
    sessions: Sequence[str] = ()
    prefix_groups: Sequence[str] = ()
    prefix_tokens: NDArray[np.int64] | None = None
    hashes: HashBlocks | None = None
    ids: Sequence[str] = ()
    follows: NDArray[np.int64] | None = None
    took_us: NDArray[np.int64] | None = None
    think_us: NDArray[np.int64] | None = None
    turns: str = CLOSED
    kept: NDArray[np.bool_] | None = None
    left_out: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many there are, with those that are left out."""
        return len(self.times)


def traffic(file: FileRows) -> RequestTable:
    """The requests of a file; the table's notes say what was done. Raises InputError if there is none."""
    rows = np.arange(len(file)) if file.kept is None else np.flatnonzero(file.kept)
    if not len(rows):
        raise InputError(f"{file.path}: all {len(file)} rows {file.left_out}")
    since_us, of_clock = since_first(file.path, file.times[rows], file.time_unit, file.unit_given)
    timed = slice(None) if file.think_us is None or file.turns != CLOSED else file.think_us[rows] < 0
    late = int((np.diff(since_us[timed]) < 0).sum()) if file.in_order else 0
    order = np.argsort(since_us, kind="stable")
    table = _open_loop(file, rows[order], since_us[order])
    none = rows[file.output_tokens[rows] == 0]
    notes = (
        *file.notes,
        *_counted(len(file) - len(rows), file, f"{file.left_out}: left out"),
        *of_clock,
        *_counted(late, file, "come before the row above: sorted by time"),
        *_counted(len(none), file, f"ask for 0 tokens, request_{none.min(initial=len(file))} first"),
    )
    table = replace(table, notes=notes)
    return _closed_loop(file, rows[order], table) if file.turns == CLOSED else table


def _open_loop(file: FileRows, rows: NDArray[np.int64], arrival_us: NDArray[np.int64]) -> RequestTable:
    """Some rows as requests that come when they came."""
    as_in_file = len(rows) == len(file) and bool((np.diff(rows) > 0).all())
    inputs, outputs = file.input_tokens[rows], file.output_tokens[rows]
    return assemble(
        _content(file, None if as_in_file else rows, inputs, outputs),
        arrival_us=arrival_us,
        input_tokens=inputs,
        output_tokens=outputs,
        request_ids=_ids(file.ids, rows, as_in_file),
        **named_columns(rows, file.classes, file.tenants, file.sessions),
    )


def _closed_loop(file: FileRows, rows: NDArray[np.int64], table: RequestTable) -> RequestTable:
    """The table of some rows with its turns in a closed loop."""
    follows = turns_before(table)
    if file.follows is not None:
        place = np.full(len(file) + 1, -1)  # the last for those that follow nobody
        place[rows] = np.arange(len(rows))
        follows = place[file.follows[rows]]
    unknown = np.full(len(file), -1)
    took_us, think_us = (unknown if known is None else known for known in (file.took_us, file.think_us))
    return in_turns(table, follows, took_us[rows], think_us[rows])


def _content(
    file: FileRows, rows: NDArray[np.int64] | None, inputs: NDArray[np.int64], outputs: NDArray[np.int64]
) -> InternedContent:
    """Of some rows of the file, None = of all as they stand."""
    if file.hashes is not None:
        hashes = file.hashes if rows is None else file.hashes.of_rows(rows)
        return intern_blocks(hashes.ids, hashes.blocks, hashes.tokens, inputs, outputs)
    rows = np.arange(len(inputs)) if rows is None else rows
    tokens = np.zeros(len(rows), np.int64) if file.prefix_tokens is None else file.prefix_tokens[rows]
    return grouped_content(rows, file.prefix_groups, tokens, inputs, outputs)


def _ids(ids: Sequence[str], rows: NDArray[np.int64], as_in_file: bool) -> list[str] | None:
    """The names of some rows, None if they are those that a table gives by itself."""
    if ids:
        return [ids[row] for row in rows.tolist()]
    return None if as_in_file else [f"request_{row}" for row in rows.tolist()]


def _counted(rows: int, file: FileRows, what: str) -> list[str]:
    return [f"{rows} of {len(file)} rows {what}"] if rows else []
