"""Files that a specification names: histograms of lengths and times of arrivals, read into the specification.

So it stands for itself from then on: what is kept of a run needs no file beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from blis.errors import InputError
from blis.files import read_text
from blis.workload.draw.arrivals import RECORDED

EMPIRICAL = "empirical"


def with_files_read(part: Any) -> Any:
    """A part of a specification as it is, with what its `file` keys name in the place of these.

    Whole numbers as keys of `params` become texts. Raises InputError naming the file.
    """
    if isinstance(part, list | tuple):
        return [with_files_read(item) for item in part]
    if not isinstance(part, Mapping):
        return part
    read = {key: with_files_read(value) for key, value in part.items()}
    if isinstance(params := read.get("params"), Mapping):
        read["params"] = {str(key) if type(key) is int else key: value for key, value in params.items()}
    if isinstance(read.get("file", 0), str | None):
        path = read.pop("file")
        return {**read, **_what_it_holds(read, path)} if path else read
    return read


def _what_it_holds(part: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The key that the file of this part stands for, with its value."""
    if part.get("type") == EMPIRICAL and not part.get("params"):
        return {"params": read_bins(path)}
    if part.get("process") == RECORDED and not part.get("times"):
        return {"times": read_times(path)}
    raise InputError(
        f"file {path!r}: only an {EMPIRICAL} distribution without params, or arrivals of process {RECORDED} without"
        " times, are read from a file"
    )


def read_bins(path: str) -> dict[str, float]:
    """Token counts with their weights, from a JSON object or lines `tokens,weight`; the first may be a header."""
    text = read_text(path)
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}: line {error.lineno}: {error.msg}") from None
        return {key: _number(path, f"key {key}", value) for key, value in found.items()}
    rows = _rows(path, text, 2)
    return {tokens: _number(path, f"line {line}", weight) for line, (tokens, weight) in rows}


def read_times(path: str) -> list[float]:
    """Times, one a line; a first line may be a header."""
    return [_number(path, f"line {line}", time) for line, (time,) in _rows(path, read_text(path), 1)]


def _rows(path: str, text: str, width: int) -> list[tuple[int, list[str]]]:
    """Lines with their numbers, blank ones and a header left out."""
    rows = [
        (number, [cell.strip() for cell in line.split(",")])
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]
    if rows and not rows[0][1][0][:1].isdigit():
        rows = rows[1:]
    for number, cells in rows:
        if len(cells) != width:
            raise InputError(f"{path}: line {number}: {width} values are wanted, got {len(cells)}")
    return rows


def _number(path: str, where: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{path}: {where}: not a number: {value!r}") from None
