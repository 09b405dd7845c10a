"""Requests from a CSV file: one row a request, in order of arrival.

Columns, in any order (a header row names them):
  request_id     a name, different in every row
  arrival_us     whole microseconds >= 0 since the start, not less than in the row before
  input_tokens   prompt length >= 1, prefix included
  output_tokens  >= 0
  prefix_group   name of the group, empty = no shared prefix
  prefix_tokens  how many tokens the prompt starts with from the group's stream, <= input_tokens
  slo_class, tenant_id   free names, may be empty
Optional:
  session_id     name of the session, empty = none; its rows come when they say, or wait for answers (`turns`)
  round          0-based round of the session, empty = 0
  uniform        number in [0, 1) that breaks random ties; left out = a fixed stream of draws
  requires, prefers, avoids   labels of instances, `gpu=H100;region=eu`, empty = none
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.read.sheet import Sheet
from blis.workload.read.turns import ARRIVALS, in_turns, turns_before

COLUMNS = (
    "request_id",
    "arrival_us",
    "input_tokens",
    "output_tokens",
    "prefix_group",
    "prefix_tokens",
    "slo_class",
    "tenant_id",
)
LABEL_COLUMNS = ("requires", "prefers", "avoids")
OPTIONAL_COLUMNS = ("session_id", "round", "uniform", *LABEL_COLUMNS)
MAX_PLACEMENTS = 2**15  # different ones in a table: what its column can tell apart


def load_requests(path: str | Path, turns: str = ARRIVALS) -> RequestTable:
    """The requests of a CSV file; the module's text describes the columns.

    turns: how rows of a session are replayed, one of TURNS; they come when they say, unless they are to be turns.
    Token identity: input position i is token i of the group's one endless stream if i < prefix_tokens,
    else the request's own; outputs are always its own.
    Raises InputError naming file, line and column for whatever is wrong.
    """
    sheet = Sheet(path, COLUMNS, OPTIONAL_COLUMNS)
    arrival_us = sheet.integers("arrival_us", 0, MAX_TIME_US)
    input_tokens = sheet.integers("input_tokens", 1, MAX_TOKENS)
    output_tokens = sheet.integers("output_tokens", 0, MAX_TOKENS)
    prefix_tokens = sheet.integers("prefix_tokens", 0, MAX_TOKENS)
    group, _ = _names(sheet, "prefix_group", none_is=-1)
    sheet.check_unique("request_id", sheet.cells["request_id"])
    sheet.check(
        "arrival_us", np.diff(arrival_us, prepend=0) >= 0, lambda row: f"is less than {arrival_us[row - 1]} before it"
    )
    sheet.check(
        "prefix_tokens", prefix_tokens <= input_tokens, lambda row: f"is more than input_tokens {input_tokens[row]}"
    )
    sheet.check("prefix_tokens", (prefix_tokens == 0) | (group >= 0), lambda _row: "needs a prefix_group")
    slo_class, slo_names = _names(sheet, "slo_class")
    tenant, tenant_names = _names(sheet, "tenant_id")
    session, session_names = _names(sheet, "session_id", none_is=-1)
    placement, placements = _placements(sheet)
    table = assemble(
        intern_prefix_groups(group, prefix_tokens, input_tokens, output_tokens),
        arrival_us=arrival_us,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        uniform=_uniform(sheet),
        slo_class=slo_class,
        tenant=tenant,
        session=session,
        round_number=sheet.integers("round", 0, 2**31 - 1, blank=0) if "round" in sheet.cells else 0,
        slo_names=slo_names,
        tenant_names=tenant_names,
        session_names=session_names,
        placement=placement,
        placements=placements,
        request_ids=sheet.cells["request_id"],
    )
    follows = turns_before(table)
    if turns == ARRIVALS:
        return replace(table, notes=_of_sessions(int((follows >= 0).sum())))
    unknown = np.full(len(table), -1)
    return in_turns(table, follows, unknown, unknown)


def _of_sessions(turns: int) -> tuple[str, ...]:
    """What to say of rows that go on with a session and wait for nobody."""
    if not turns:
        return ()
    return (f"{turns} rows go on with a session and come when they say; `turns: closed` has them wait for answers",)


def _uniform(sheet: Sheet) -> NDArray[np.float64] | None:
    """The column `uniform`, None if the file has none."""
    if "uniform" not in sheet.cells:
        return None
    return sheet.numbers("uniform", lambda value: 0 <= value < 1, "a number in [0, 1)")


def _placements(sheet: Sheet) -> tuple[NDArray[np.int64] | None, tuple[Placement, ...]]:
    """The label columns as indices into different placements, in order of appearance; no indices without a label."""
    if not any(column in sheet.cells for column in LABEL_COLUMNS):
        return None, (Placement(),)
    empty = ("",) * len(sheet)
    number: dict[tuple[str, ...], int] = {}
    rows = zip(*(sheet.cells.get(column, empty) for column in LABEL_COLUMNS), strict=True)
    index = np.array([number.setdefault(cells, len(number)) for cells in rows], np.int64)
    if not any(map(any, number)):
        return None, (Placement(),)
    first = np.unique(index, return_index=True)[1].tolist()
    if len(number) > MAX_PLACEMENTS:
        raise InputError(f"{sheet.path}: {len(number)} different placements; at most {MAX_PLACEMENTS} fit in a table")
    return index, tuple(Placement(*(_labels(sheet, column, row) for column in LABEL_COLUMNS)) for row in first)


def _labels(sheet: Sheet, column: str, row: int) -> dict[str, str]:
    """The labels in a cell, `name=value;name=value`."""
    labels: dict[str, str] = {}
    cell = sheet.cells[column][row] if column in sheet.cells else ""
    for part in cell.split(";") if cell.strip() else ():
        name, _, value = (text.strip() for text in part.partition("="))
        if not name or not value:
            sheet.fail(column, row, "must be labels like gpu=H100;region=eu")
        if name in labels:
            sheet.fail(column, row, f"gives label {name!r} twice")
        labels[name] = value
    return labels


def _names(sheet: Sheet, column: str, none_is: int | None = None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """A column of names as indices, and the names in order of appearance; empty cells are `none_is` if given."""
    cells = sheet.cells.get(column, ("",) * len(sheet))
    names = [name for name in dict.fromkeys(cells) if name or none_is is None]
    number = {name: i for i, name in enumerate(names)}
    return np.array([number.get(cell, none_is) for cell in cells], np.int64), tuple(names)
