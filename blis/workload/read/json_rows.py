"""Values of JSON objects by key, checked, with errors that name the file, the object and the key; as Sheet for CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, in_short
from blis.files import read_text
from blis.json_strict import parse_json
from blis.workload.read.sheet import missing_names


class JsonRows:
    """Objects of a file, one a request; `names` say which is which, as in `line 3`. Keys may be paths: `a.b`."""

    def __init__(self, path: str | Path, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
        """All at once; nothing is checked before it is asked for."""
        self.path, self.rows, self.names = path, rows, names

    def __len__(self) -> int:
        """How many there are."""
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every object, and what to say it is in: file and name."""
        for name, row in zip(self.names, self.rows, strict=True):
            yield f"{self.path}: {name}", row

    @cached_property
    def keys(self) -> frozenset[str]:
        """All keys that some object has."""
        return frozenset().union(*self.rows)

    def values(self, key: str, missing: Any = None) -> list[Any]:
        """The value of each row as it stands; `missing` where the key or an object above it is not there."""
        if key.split(".")[0] not in self.keys:
            return [missing] * len(self)
        *outer, last = key.split(".")
        rows: Sequence[Any] = self.rows
        for each in outer:
            rows = [row.get(each) if isinstance(row, dict) else None for row in rows]
        return [row.get(last, missing) if isinstance(row, dict) else missing for row in rows]

    def integers(self, key: str, low: int, high: int, blank: int | None = None) -> NDArray[np.int64]:
        """A key's whole numbers in [low, high]; null or no value is `blank` if that is given."""
        return np.array(self._numbers(key, (int,), low, high, blank, f"whole number in [{low}, {high}]"), np.int64)

    def times(self, key: str, most: float, unit: str, blank: float | None = None) -> NDArray[Any]:
        """A key's times in [0, most], whole numbers as int64; null or no value is `blank` if that is given."""
        values = self._numbers(key, (int, float), 0, most, blank, f"time in {unit} >= 0")
        return np.array(values, np.int64 if set(map(type, values)) == {int} else np.float64)

    def texts(self, key: str) -> list[str]:
        """A key's names; no value is an empty one, a number is written out."""
        values = ["" if value is None else value for value in self.values(key)]
        for row, value in enumerate(values):
            if type(value) not in (str, int):
                self.fail(key, row, "is no name")
        return [str(value) for value in values]

    def check(self, key: str, good: NDArray[np.bool_], problem: Callable[[int], str]) -> None:
        """Raise InputError for the first row that is not good; `problem` says what is wrong with it."""
        if not good.all():
            row = int(np.argmin(good))
            self.fail(key, row, problem(row))

    def fail(self, key: str, row: int, problem: str) -> NoReturn:
        """Raise InputError for one value."""
        value = in_short(self.values(key)[row])
        raise InputError(f"{self.path}: {self.names[row]}: column {key}: {value} {problem}")

    def _numbers(
        self, key: str, kinds: tuple[type, ...], low: float, high: float, blank: float | None, what: str
    ) -> list[Any]:
        values = self.values(key)
        given = values if blank is None else [value for value in values if value is not None]
        if given and not (set(map(type, given)) <= {*kinds} and low <= min(given) and max(given) <= high):
            for row, value in enumerate(values):
                if not (type(value) in kinds and low <= value <= high) and not (value is None and blank is not None):
                    self.fail(key, row, f"is not a {what}")
        return values if blank is None else [blank if value is None else value for value in values]


def json_lines(path: str | Path, keys: Sequence[str] = ()) -> JsonRows:
    """The objects of a file, one a line, which have these keys and maybe others.

    Raises InputError for a line that is none, and for a file without one.
    """
    lines = [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: empty file; one JSON object a line is expected")
    rows = _all_at_once([line for _, line in lines])
    if rows is None:
        rows = [json_object(line, f"{path}: line {number}") for number, line in lines]
    if not all(map(frozenset(keys).issubset, rows)):
        for (number, _), row in zip(lines, rows, strict=True):
            if missing := missing_names("key", keys, row):
                raise InputError(f"{path}: line {number}: {missing}")
    return JsonRows(path, rows, [f"line {number}" for number, _ in lines])


def json_document(path: str | Path) -> Any:
    """What a file says that is one JSON value. Raises InputError naming it."""
    text = read_text(path)
    if not text.strip():
        raise InputError(f"{path}: empty file; a JSON value is expected")
    try:
        return parse_json(text)
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None


def _all_at_once(lines: Sequence[str]) -> list[dict[str, Any]] | None:
    """The objects of lines, parsed as one list, which is faster; None if a line may be wrong, to be looked for."""
    if not all(line.lstrip().startswith("{") for line in lines):
        return None
    try:
        rows: list[dict[str, Any]] = parse_json(f"[{','.join(lines)}]")
    except ValueError:
        return None
    return rows if len(rows) == len(lines) else None


def json_object(text: str, where: str) -> dict[str, Any]:
    """The object that a text is. Raises InputError with the place."""
    try:
        found = parse_json(text)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{where}: a JSON object is expected, got {text.strip()[:40]!r}")
    return found
