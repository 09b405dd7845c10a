"""JSON lines: an object a line, with errors that name the file, the line and the keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from blis.errors import InputError
from blis.files import read_text
from blis.json_strict import parse_json
from blis.workload.read.sheet import missing_names


def json_lines(path: str | Path, keys: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a file, which has these keys and maybe others, and what to say it is in: file and line.

    Raises InputError for a line that is none, and for a file without one.
    """
    lines = [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
    if not lines:
        raise InputError(f"{path}: empty file; one JSON object a line is expected")
    for number, line in lines:
        where = f"{path}: line {number}"
        try:
            row = parse_json(line)
        except ValueError as error:
            raise InputError(f"{where}: not valid JSON: {error}") from None
        if not isinstance(row, dict):
            raise InputError(f"{where}: a JSON object is expected, got {line.strip()[:40]!r}")
        if missing := missing_names("key", keys, row):
            raise InputError(f"{where}: {missing}")
        yield where, row
