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
  session_id     name of the session, empty = none
  round          0-based round of the session, empty = 0
  uniform        number in [0, 1) that breaks random ties; left out = a fixed stream of draws
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, unknown_name
from blis.files import read_text
from blis.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content import intern_prefix_groups

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
OPTIONAL_COLUMNS = ("session_id", "round", "uniform")


def load_requests(path: str | Path) -> RequestTable:
    """The requests of a CSV file; the module's text describes the columns.

    Token identity: input position i is token i of the group's one endless stream if i < prefix_tokens,
    else the request's own; outputs are always its own.
    Raises InputError naming file, line and column for whatever is wrong.
    """
    sheet = _Sheet(path)
    arrival_us = sheet.integers("arrival_us", 0, MAX_TIME_US)
    input_tokens = sheet.integers("input_tokens", 1, MAX_TOKENS)
    output_tokens = sheet.integers("output_tokens", 0, MAX_TOKENS)
    prefix_tokens = sheet.integers("prefix_tokens", 0, MAX_TOKENS)
    group, _ = sheet.names("prefix_group", none_is=-1)
    sheet.check_unique("request_id")
    sheet.check(
        "arrival_us", np.diff(arrival_us, prepend=0) >= 0, lambda row: f"is less than {arrival_us[row - 1]} before it"
    )
    sheet.check(
        "prefix_tokens", prefix_tokens <= input_tokens, lambda row: f"is more than input_tokens {input_tokens[row]}"
    )
    sheet.check("prefix_tokens", (prefix_tokens == 0) | (group >= 0), lambda _row: "needs a prefix_group")
    slo_class, slo_names = sheet.names("slo_class")
    tenant, tenant_names = sheet.names("tenant_id")
    session, session_names = sheet.names("session_id", none_is=-1)
    return assemble(
        intern_prefix_groups(group, prefix_tokens, input_tokens, output_tokens),
        arrival_us=arrival_us,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        uniform=sheet.uniform(),
        slo_class=slo_class,
        tenant=tenant,
        session=session,
        round_number=sheet.integers("round", 0, 2**31 - 1, blank=0) if "round" in sheet.cells else 0,
        slo_names=slo_names,
        tenant_names=tenant_names,
        session_names=session_names,
        request_ids=sheet.cells["request_id"],
    )


class _Sheet:
    """The cells of a file by column, and errors that say where a cell stands."""

    def __init__(self, path: str | Path) -> None:
        self._path = path
        reader = csv.reader(io.StringIO(read_text(path)), strict=True)
        rows: list[list[str]] = []
        self._lines: list[int] = []
        try:
            header = next(reader, None)
            if not header:
                raise InputError(f"{path}: empty file; the first line must name the columns: {', '.join(COLUMNS)}")
            self._check_header(header)
            for row in reader:
                if not row:
                    continue
                if len(row) != len(header):
                    raise InputError(
                        f"{path}: line {reader.line_num}: {len(row)} columns, but the header has {len(header)}"
                    )
                rows.append(row)
                self._lines.append(reader.line_num)
        except csv.Error as error:
            raise InputError(f"{path}: line {reader.line_num}: {error}") from None
        if not rows:
            raise InputError(f"{path}: no requests after the header")
        self.cells = dict(zip(header, zip(*rows, strict=True), strict=True))

    def _check_header(self, header: list[str]) -> None:
        for name in header:
            if name not in COLUMNS + OPTIONAL_COLUMNS:
                raise InputError(f"{self._path}: line 1: {unknown_name('column', name, COLUMNS + OPTIONAL_COLUMNS)}")
            if header.count(name) > 1:
                raise InputError(f"{self._path}: line 1: column {name!r} is given twice")
        for name in COLUMNS:
            if name not in header:
                raise InputError(f"{self._path}: line 1: column {name!r} is missing")

    def integers(self, column: str, low: int, high: int, blank: int | None = None) -> NDArray[np.int64]:
        """A column of whole numbers in [low, high]; an empty cell is `blank` if that is given."""
        values = np.empty(len(self._lines), np.int64)
        for row, cell in enumerate(self.cells[column]):
            if cell == "" and blank is not None:
                values[row] = blank
                continue
            try:
                value = int(cell)
            except ValueError:
                self._fail(column, row, "is not a whole number")
            if "_" in cell:  # Python reads 1_000 as a number
                self._fail(column, row, "is not a whole number")
            if not low <= value <= high:
                self._fail(column, row, f"must be >= {low}" if value < low else f"must be <= {high}")
            values[row] = value
        return values

    def uniform(self) -> NDArray[np.float64] | None:
        """The column `uniform`, None if the file has none."""
        if "uniform" not in self.cells:
            return None
        values = np.empty(len(self._lines))
        for row, cell in enumerate(self.cells["uniform"]):
            try:
                values[row] = float(cell)
            except ValueError:
                self._fail("uniform", row, "is not a number")
            if "_" in cell or not (math.isfinite(values[row]) and 0 <= values[row] < 1):
                self._fail("uniform", row, "must be a number in [0, 1)")
        return values

    def names(self, column: str, none_is: int | None = None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """A column of names as indices, and the names in order of appearance; empty cells are `none_is` if given."""
        cells = self.cells.get(column, ("",) * len(self._lines))
        names = [name for name in dict.fromkeys(cells) if name or none_is is None]
        number = {name: i for i, name in enumerate(names)}
        return np.array([number.get(cell, none_is) for cell in cells], np.int64), tuple(names)

    def check(self, column: str, good: NDArray[np.bool_], problem: Callable[[int], str]) -> None:
        """Raise InputError for the first row that is not good; `problem` says what is wrong with it."""
        if not good.all():
            row = int(np.argmin(good))
            self._fail(column, row, problem(row))

    def check_unique(self, column: str) -> None:
        """Raise InputError for the first cell that is empty or occurred before."""
        first: dict[str, int] = {}
        for row, cell in enumerate(self.cells[column]):
            if not cell:
                self._fail(column, row, "must not be empty")
            if first.setdefault(cell, row) != row:
                self._fail(column, row, f"is already in line {self._lines[first[cell]]}")

    def _fail(self, column: str, row: int, problem: str) -> NoReturn:
        raise InputError(
            f"{self._path}: line {self._lines[row]}: column {column}: {self.cells[column][row]!r} {problem}"
        )
