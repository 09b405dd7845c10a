"""From the rows of a file to requests: in order of time, on a clock that starts with the first; and what was done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.blocks import intern_blocks
from blis.workload.content.tree import InternedContent, intern_prefix_groups
from blis.workload.read.clock import since_first
from blis.workload.read.hash_blocks import HashBlocks


class Said(NamedTuple):
    """What a file says of its rows beyond times and lengths: a name for each in the first four, "" = none."""

    classes: Sequence[str] = ()
    tenants: Sequence[str] = ()
    sessions: Sequence[str] = ()  # rows of one are its rounds, in order of time
    prefix_groups: Sequence[str] = ()
    prefix_tokens: NDArray[np.int64] | None = None  # that a prompt begins with of its group's
    hashes: HashBlocks | None = None  # instead of prefix groups
    ids: Sequence[str] = ()  # names of the rows; () = request_<row of the file>


NOTHING = Said()


def traffic(
    path: str | Path,
    *,
    times: NDArray[Any],
    time_unit: str,
    unit_given: bool,
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
    said: Said = NOTHING,
    kept: NDArray[np.bool_] | None = None,
    left_out: str = "",
    notes: tuple[str, ...] = (),
) -> RequestTable:
    """The requests of a file's rows, in its order; without more `said` of them they share nothing.

    times: when they came, >= 0 in `time_unit`, which the format says or the user has `given`. kept: [n] rows that are
    requests, the others are `left_out`: why. The table's notes say what was done, after `notes`.
    """
    rows = np.arange(len(times)) if kept is None else np.flatnonzero(kept)
    if not len(rows):
        raise InputError(f"{path}: all {len(times)} rows {left_out}")
    since_us, of_clock = since_first(path, times[rows], time_unit, unit_given)
    late = int((np.diff(since_us) < 0).sum())
    order = np.argsort(since_us, kind="stable")
    rows = rows[order]
    as_in_file = len(rows) == len(times) and not late
    inputs, outputs = input_tokens[rows], output_tokens[rows]
    none = rows[outputs == 0].tolist()
    sessions, session_names = numbered(said.sessions, rows)
    classes, slo_names = numbered(said.classes, rows)
    tenants, tenant_names = numbered(said.tenants, rows)
    return assemble(
        _content(said, None if as_in_file else rows, inputs, outputs),
        arrival_us=since_us[order],
        input_tokens=inputs,
        output_tokens=outputs,
        slo_class=classes,
        tenant=tenants,
        session=sessions - 1,
        round_number=rounds(sessions),
        slo_names=slo_names,
        tenant_names=tenant_names,
        session_names=session_names[1:],
        request_ids=_ids(said.ids, rows, as_in_file),
        notes=(
            *notes,
            *_counted(len(times) - len(rows), len(times), f"{left_out}: left out"),
            *of_clock,
            *_counted(late, len(times), "come before the row above: sorted by time"),
            *_counted(len(none), len(rows), f"ask for 0 tokens, request_{min(none, default=0)} first"),
        ),
    )


def _ids(ids: Sequence[str], rows: NDArray[np.int64], as_in_file: bool) -> list[str] | None:
    """The names of some rows, None if they are those that a table gives by itself."""
    if ids:
        return [ids[row] for row in rows.tolist()]
    return None if as_in_file else [f"request_{row}" for row in rows.tolist()]


def numbered(names: Sequence[str], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The names of rows as numbers, and the names by number: "" is 0, the others follow in order of appearance."""
    if not names:
        return np.zeros(len(rows), np.int64), ("",)
    chosen = [names[row] for row in rows.tolist()]
    known = {name: number for number, name in enumerate(dict.fromkeys(("", *chosen)))}
    return np.array([known[name] for name in chosen], np.int64), tuple(known)


def rounds(sessions: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] how many rows of the same session stand above each; 0 without one, which is session 0."""
    order = np.argsort(sessions, kind="stable")
    found = np.empty(len(order), np.int64)
    found[order] = np.arange(len(order)) - np.searchsorted(sessions[order], sessions[order])
    return np.where(sessions > 0, found, 0)


def _content(
    said: Said, rows: NDArray[np.int64] | None, inputs: NDArray[np.int64], outputs: NDArray[np.int64]
) -> InternedContent:
    """Of some rows of the file, None = of all as they stand."""
    if said.hashes is not None:
        hashes = said.hashes if rows is None else said.hashes.of_rows(rows)
        return intern_blocks(hashes.ids, hashes.blocks, hashes.tokens, inputs, outputs)
    rows = np.arange(len(inputs)) if rows is None else rows
    group = numbered(said.prefix_groups, rows)[0] - 1
    tokens = np.zeros(len(rows), np.int64) if said.prefix_tokens is None else said.prefix_tokens[rows]
    return intern_prefix_groups(group, np.where(group >= 0, np.minimum(tokens, inputs), 0), inputs, outputs)


def _counted(rows: int, of: int, what: str) -> list[str]:
    return [f"{rows} of {of} rows {what}"] if rows else []
