"""Cells of a CSV file by column, checked, with errors that name the file, the line and the column."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, in_short, unknown_name
from blis.files import read_text, text_lines
from blis.numerals import read_number, read_whole


def missing_names(kind: str, required: Sequence[str], present: Iterable[str]) -> str:
    """What to say of names that a file should have and has not, each with the one that may be meant by it; "" of none.

    kind: of things that have names.
    """
    names = list(present)
    others = {name.lower(): name for name in names if name not in required}
    missing = [(repr(name), _hint(name, others)) for name in required if name not in names]
    if len(missing) < 2:
        return "".join(f"{kind} {name} is missing{hint}" for name, hint in missing)
    return f"{kind}s {', '.join(name + hint for name, hint in missing)} are missing"


def _hint(name: str, others: dict[str, str]) -> str:
    """Takes from others, by their small letters, the one that is likely meant."""
    near = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.6)
    return f" (is it {others.pop(near[0])!r}?)" if near else ""


#: What may stand between cells where a comma should, in words.
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def check_delimiter(path: str | Path, line: str, columns: Sequence[str]) -> None:
    """Raise InputError if two or more of these columns are in a header that is no CSV, but for its delimiter."""
    for delimiter, name in _DELIMITERS.items():
        cells = {cell.strip(' "') for cell in line.split(delimiter)}
        if len(cells.intersection(columns)) > 1:
            raise InputError(f"{path}: line 1: {name} ({delimiter!r}) between the columns; commas are wanted")


def csv_lines(path: str | Path, lines: Iterable[str] | None = None) -> Iterator[tuple[int, list[str]]]:
    """Numbers and cells of the header of a CSV file and of its rows, which must be as wide; blank ones are none.

    lines: of the file, where it is not to be read as a whole.
    """
    reader = csv.reader(io.StringIO(read_text(path)) if lines is None else lines, strict=True)
    try:
        header = next(reader, [])
        yield reader.line_num, header
        for row in filter(None, reader):
            if len(row) != len(header):
                raise InputError(
                    f"{path}: line {reader.line_num}: {len(row)} columns, but the header has {len(header)}"
                )
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: {error}") from None


class Sheet:
    """A CSV file with a header: `cells[column]` holds a column's texts, `lines` the line that each row ends in.

    Raises InputError naming file and line: unreadable, no header, no rows, rows of another length, a required
    column missing, a column twice or, unless `others_allowed`, one that is neither required nor optional.
    """

    def __init__(
        self,
        path: str | Path,
        required: Sequence[str],
        optional: Sequence[str] = (),
        *,
        others_allowed: bool = False,
    ) -> None:
        """Read the file; `required` and `optional` are names of columns."""
        lines = csv_lines(path)
        header = _header(path, lines, required, None if others_allowed else (*required, *optional))
        self._fill(path, header, list(lines))

    def _fill(self, path: str | Path, header: list[str], rows: list[tuple[int, list[str]]]) -> None:
        """Put the cells of numbered rows in columns."""
        if not rows:
            raise InputError(f"{path}: no requests after the header")
        self.path, self.lines = path, [number for number, _ in rows]
        self.cells = dict(zip(header, zip(*(row for _, row in rows), strict=True), strict=True))

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.lines)

    def integers(self, column: str, low: int, high: int, blank: int | None = None) -> NDArray[np.int64]:
        """A column of whole numbers in [low, high]; an empty cell is `blank` if that is given."""
        values = np.empty(len(self), np.int64)
        for row, cell in enumerate(self.cells[column]):
            if cell == "" and blank is not None:
                values[row] = blank
                continue
            try:
                value = read_whole(cell)
            except ValueError:
                self.fail(column, row, "is not a whole number")
            if not low <= value <= high:
                self.fail(column, row, f"must be >= {low}" if value < low else f"must be <= {high}")
            values[row] = value
        return values

    def numbers(self, column: str, good: Callable[[float], bool], rule: str) -> NDArray[np.float64]:
        """A column of numbers that are `good`, which must refuse NaN; `rule` says in words what that is."""
        values = np.empty(len(self))
        for row, cell in enumerate(self.cells[column]):
            try:
                value = read_number(cell)
            except ValueError:
                self.fail(column, row, "is not a number")
            if not good(value):
                self.fail(column, row, f"must be {rule}")
            values[row] = value
        return values

    def check(self, column: str, good: NDArray[np.bool_], problem: Callable[[int], str]) -> None:
        """Raise InputError for the first row that is not good; `problem` says what is wrong with it."""
        if not good.all():
            row = int(np.argmin(good))
            self.fail(column, row, problem(row))

    def check_unique(self, column: str, values: Sequence[object]) -> None:
        """Raise InputError for the first value of a column that is empty or occurred before. values: of its rows."""
        first: dict[object, int] = {}
        for row, value in enumerate(values):
            if value == "":
                self.fail(column, row, "must not be empty")
            if first.setdefault(value, row) != row:
                self.fail(column, row, f"is already in line {self.lines[first[value]]}")

    def fail(self, column: str, row: int, problem: str) -> NoReturn:
        """Raise InputError for one cell."""
        cell = in_short(self.cells[column][row])
        raise InputError(f"{self.path}: line {self.lines[row]}: column {column}: {cell} {problem}")


class Part(Sheet):
    """Some rows of such a file, as if they were all."""

    def __init__(self, path: str | Path, header: list[str], rows: list[tuple[int, list[str]]]) -> None:
        """rows: with the numbers of their lines."""
        self._fill(path, header, rows)


def sheet_parts(path: str | Path, required: Sequence[str], optional: Sequence[str], size: int) -> Iterator[Sheet]:
    """A CSV file, so many rows at a time. Raises InputError as `Sheet` does, for a line as soon as it is read."""
    lines = csv_lines(path, text_lines(path))
    header, first = _header(path, lines, required, (*required, *optional)), True
    while (rows := list(islice(lines, size))) or first:
        yield Part(path, header, rows)
        first = False


def _header(
    path: str | Path,
    lines: Iterator[tuple[int, list[str]]],
    required: Sequence[str],
    valid: Sequence[str] | None,
) -> list[str]:
    """The names of the columns. valid: None = any."""
    _, header = next(lines)
    if not header:
        raise InputError(f"{path}: empty file; the first line must name the columns: {', '.join(required)}")
    check_delimiter(path, header[0], required)
    for name in header:
        if valid is not None and name not in valid:
            raise InputError(f"{path}: line 1: {unknown_name('column', name, valid)}")
        if header.count(name) > 1:
            raise InputError(f"{path}: line 1: column {name!r} is given twice")
    if missing := missing_names("column", required, header):
        raise InputError(f"{path}: line 1: {missing}")
    return header
