"""The original's trace CSV: explicit token lists, read by position (engine.md 13.1).

Column 0 is the arrival in seconds, columns 3 and 4 are the prompt's and the output's tokens as JSON lists; what
the header calls them does not matter, and other columns are left aside.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from blis.config import MAX_TIME_US
from blis.errors import InputError, in_short
from blis.json_strict import parse_json
from blis.numerals import read_number
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens
from blis.workload.read.clock import TIME_UNITS, check_unit
from blis.workload.read.sheet import csv_lines

#: What stands where, as it can be listed beside the column names of other formats.
COLUMNS = ("1st: arrival in s", "4th: tokens of the prompt", "5th: tokens of the output")

_COLUMNS = 5
_ARRIVAL, _PROMPT, _OUTPUT = 0, 3, 4
_MAX_TOKEN = 2**31 - 1


def load_token_lists(path: str | Path, time_unit: str = "") -> RequestTable:
    """The requests of such a file, named request_<row>, sorted by arrival. Arrivals are rounded to microseconds.

    time_unit: what they are in, a name of TIME_UNITS; "" = seconds, if requests come as often as they do anywhere.
    Raises InputError naming file and line: rows of another length than the header's, bad numbers or lists,
    empty prompts.
    """
    unit = time_unit or "s"
    times: list[float] = []
    prompts: list[list[int]] = []
    outputs: list[list[int]] = []
    for line, row in _rows(path):
        where = f"{path}: line {line}"
        times.append(_time(row[_ARRIVAL], where, unit))
        prompts.append(_tokens(row[_PROMPT], where, _PROMPT))
        outputs.append(_tokens(row[_OUTPUT], where, _OUTPUT))
        if not prompts[-1]:
            raise InputError(f"{where}: column {_PROMPT + 1}: a prompt needs at least one token")
    if not times:
        raise InputError(f"{path}: no requests after the header")
    notes = () if time_unit else (check_unit(path, np.array(times) - min(times), unit),)
    arrivals = [round(time * TIME_UNITS[unit]) for time in times]
    return replace(table_from_tokens(arrivals, prompts, outputs), notes=notes)


def is_token_lists(path: str | Path) -> bool:
    """Whether the first row after a header looks like one of such a file."""
    try:
        return next(((len(row) >= _COLUMNS and row[_PROMPT].lstrip().startswith("[")) for _, row in _rows(path)), False)
    except InputError:
        return False


def _rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of every row after the header."""
    usual_limit = csv.field_size_limit(2**31 - 1)  # a prompt's tokens are one cell
    try:
        lines = csv_lines(path)
        _, header = next(lines)
        if not header:
            raise InputError(f"{path}: empty file; a header of at least {_COLUMNS} columns is expected")
        if len(header) < _COLUMNS:
            raise InputError(f"{path}: line 1: a header of at least {_COLUMNS} columns is expected")
        yield from lines
    finally:
        csv.field_size_limit(usual_limit)


def _time(cell: str, where: str, unit: str) -> float:
    try:
        time = read_number(cell)
    except ValueError:
        time = math.nan
    if not 0 <= time <= MAX_TIME_US / TIME_UNITS[unit]:
        raise InputError(f"{where}: column {_ARRIVAL + 1}: {in_short(cell)} is not a time in {unit} >= 0")
    return time


def _tokens(cell: str, where: str, column: int) -> list[int]:
    """A JSON list of whole numbers; null is an empty one."""
    try:
        tokens = parse_json(cell)
    except ValueError:
        tokens = cell
    if tokens is None:
        return []
    if not isinstance(tokens, list) or not all(type(token) is int and 0 <= token <= _MAX_TOKEN for token in tokens):
        raise InputError(
            f"{where}: column {column + 1}: {in_short(cell)} is not a JSON list of tokens in [0, {_MAX_TOKEN}]"
        )
    return tokens
