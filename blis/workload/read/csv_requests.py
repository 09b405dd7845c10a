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
  adapter        name of a LoRA adapter, empty = the base model
  requires, prefers, avoids   labels of instances, `gpu=H100;region=eu`, empty = none
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

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
OPTIONAL_COLUMNS = ("session_id", "round", "uniform", "adapter", *LABEL_COLUMNS)
MAX_PLACEMENTS = 2**15  # different ones in a table: what its column can tell apart


def load_requests(path: str | Path, turns: str = ARRIVALS) -> RequestTable:
    """The requests of a CSV file; the module's text describes the columns.

    turns: how rows of a session are replayed, one of TURNS; they come when they say, unless they are to be turns.
    Token identity: input position i is token i of the group's one endless stream if i < prefix_tokens,
    else the request's own; outputs are always its own.
    Raises InputError naming file, line and column for whatever is wrong.
    """
    sheet, seen = Sheet(path, COLUMNS, OPTIONAL_COLUMNS), Seen()
    sheet.check_unique("request_id", sheet.cells["request_id"])
    columns = read_columns(sheet, seen)
    table = table_of(sheet, columns, seen)
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


def table_of(sheet: Sheet, columns: dict[str, Any], seen: Seen) -> RequestTable:
    """The table of rows whose columns have been read. seen: all names that there are."""
    others = {name: column for name, column in columns.items() if name not in ("group", "prefix_tokens")}
    if not seen.placed:
        del others["placement"]
    shared = (columns[name] for name in ("group", "prefix_tokens", "input_tokens", "output_tokens"))
    ids = sheet.cells["request_id"]
    return assemble(intern_prefix_groups(*shared), **others, **seen.names(), request_ids=ids)


class Seen:
    """The different names of the rows that have been read, by number in order of appearance."""

    def __init__(self) -> None:
        """None so far."""
        self.groups: dict[str, int] = {}
        self._classes: dict[str, int] = {}
        self._tenants: dict[str, int] = {}
        self._sessions: dict[str, int] = {}
        self._adapters: dict[str, int] = {}
        self._labels: dict[tuple[str, ...], int] = {}
        self._placements: list[Placement] = []

    def columns(self, sheet: Sheet) -> dict[str, NDArray[np.int64]]:
        """The columns of names as numbers; of a group, a session or an adapter -1 where there is none."""
        return {
            "group": _numbers(sheet, "prefix_group", self.groups, none_is=-1),
            "slo_class": _numbers(sheet, "slo_class", self._classes),
            "tenant": _numbers(sheet, "tenant_id", self._tenants),
            "session": _numbers(sheet, "session_id", self._sessions, none_is=-1),
            "adapter": _numbers(sheet, "adapter", self._adapters, none_is=-1),
            "placement": self._places(sheet),
        }

    def names(self) -> dict[str, Any]:
        """What the numbers stand for, by the names that `assemble` has for them."""
        return {
            "slo_names": tuple(self._classes),
            "tenant_names": tuple(self._tenants),
            "session_names": tuple(self._sessions),
            "placements": tuple(self._placements),
            "adapter_names": tuple(self._adapters),
        }

    @property
    def placed(self) -> bool:
        """Whether any row has a label."""
        return any(map(any, self._labels))

    def _places(self, sheet: Sheet) -> NDArray[np.int64]:
        """The label columns as numbers of different placements."""
        empty = ("",) * len(sheet)
        index = np.empty(len(sheet), np.int64)
        for row, cells in enumerate(zip(*(sheet.cells.get(column, empty) for column in LABEL_COLUMNS), strict=True)):
            if cells not in self._labels:
                self._labels[cells] = len(self._labels)
                self._placements.append(Placement(*(_labels(sheet, column, row) for column in LABEL_COLUMNS)))
            index[row] = self._labels[cells]
        if len(self._labels) > MAX_PLACEMENTS:
            raise InputError(
                f"{sheet.path}: {len(self._labels)} different placements; at most {MAX_PLACEMENTS} fit in a table"
            )
        return index


def read_columns(sheet: Sheet, seen: Seen, before_us: int = 0) -> dict[str, Any]:
    """The columns of a table by the names that `assemble` has for them, with those of `intern_prefix_groups`.

    before_us: the arrival of the row before. A column that the sheet has not is left out.
    """
    columns: dict[str, Any] = {
        "arrival_us": sheet.integers("arrival_us", 0, MAX_TIME_US),
        "input_tokens": sheet.integers("input_tokens", 1, MAX_TOKENS),
        "output_tokens": sheet.integers("output_tokens", 0, MAX_TOKENS),
        "prefix_tokens": sheet.integers("prefix_tokens", 0, MAX_TOKENS),
    }
    previous_us = np.concatenate([[before_us], columns["arrival_us"][:-1]])
    prefix, prompt = columns["prefix_tokens"], columns["input_tokens"]
    sheet.check(
        "arrival_us", columns["arrival_us"] >= previous_us, lambda row: f"is less than {previous_us[row]} before it"
    )
    sheet.check("prefix_tokens", prefix <= prompt, lambda row: f"is more than input_tokens {prompt[row]}")
    columns |= seen.columns(sheet)
    sheet.check("prefix_tokens", (prefix == 0) | (columns["group"] >= 0), lambda _row: "needs a prefix_group")
    if "round" in sheet.cells:
        columns["round_number"] = sheet.integers("round", 0, 2**31 - 1, blank=0)
    if "uniform" in sheet.cells:
        columns["uniform"] = sheet.numbers("uniform", lambda value: 0 <= value < 1, "a number in [0, 1)")
    return columns


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


def _numbers(sheet: Sheet, column: str, number: dict[str, int], none_is: int | None = None) -> NDArray[np.int64]:
    """A column of names as their numbers, new ones included; empty cells are `none_is` if given."""
    cells = sheet.cells.get(column, ("",) * len(sheet))
    for name in dict.fromkeys(cells):
        if name or none_is is None:
            number.setdefault(name, len(number))
    return np.array([number.get(cell, none_is) for cell in cells], np.int64)
