"""The formats of recorded traffic: each a parser from a file to a RequestTable, named in `FORMATS`.

Rows that cannot be simulated are errors, never skipped: a trace with holes is another trace.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from blis import plugins
from blis.config import MAX_TIME_US
from blis.errors import InputError, in_short
from blis.files import read_text
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import Span, intern_prefix_groups, intern_sequences
from blis.workload.read.csv_requests import COLUMNS, load_requests
from blis.workload.read.json_lines import json_lines
from blis.workload.read.sheet import Sheet
from blis.workload.read.token_lists import COLUMNS as TOKEN_COLUMNS
from blis.workload.read.token_lists import is_token_lists, load_token_lists
from blis.workload.read.wall_times import wall_times

MOONCAKE_BLOCK_TOKENS = 512

#: Units that times of a trace may be in, with their µs.
TIME_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0}

_MANY, _MANY_A_SECOND = 20, 2000  # so many requests, and so many a second: nobody records that

_MOONCAKE_KEYS = ("timestamp", "input_length", "output_length", "hash_ids")
_AZURE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_COMPACT_COLUMNS = ("arrived_at", "num_prefill_tokens", "num_decode_tokens")


class Format(NamedTuple):
    """One layout of files, told from others by its `columns`; `parse` turns a file into requests.

    unit: of its times, a name of TIME_UNITS, if files may have another; `parse` then takes one, too.
    """

    what: str
    columns: tuple[str, ...]  # or keys of each line
    json_lines: bool  # else CSV with a header
    parse: Callable[..., RequestTable]
    unit: str = ""


def load_mooncake(path: str | Path, time_unit: str = "") -> RequestTable:
    """JSON lines: `timestamp` ms, `input_length`, `output_length`, `hash_ids` of 512-token blocks.

    time_unit: what times are in. Without one they are ms, unless they look like seconds: that is an error.

    One id for each block that the prompt starts, the last covering what is left of it. Prompts share as many
    tokens as their leading equal ids cover; what follows, and every output, is the request's own.
    Other keys are ignored. Lines must be sorted by time; equal times keep the order of the file.
    """
    unit_us = TIME_UNITS[time_unit or "ms"]
    rows: list[dict[str, Any]] = []
    for where, row in json_lines(path, _MOONCAKE_KEYS):
        _check_mooncake(row, where, rows[-1]["timestamp"] if rows else 0, time_unit or "ms")
        rows.append(row)
    times = np.array([row["timestamp"] for row in rows], np.float64)
    if not time_unit:
        _check_milliseconds(path, times)
    inputs = [row["input_length"] for row in rows]
    return assemble(
        intern_sequences([_mooncake_spans(i, row) for i, row in enumerate(rows)], inputs),
        arrival_us=np.rint(times * unit_us).astype(np.int64),
        input_tokens=inputs,
        output_tokens=[row["output_length"] for row in rows],
    )


def _check_milliseconds(path: str | Path, times: NDArray[np.float64]) -> None:
    """Raise InputError if times that should be ms are more likely to be seconds."""
    doubt = ""
    if (times != np.rint(times)).any():
        doubt = "times have fractions of a ms"
    span_s = (times[-1] - times[0]) / 1000
    if span_s > 0 and len(times) >= _MANY and len(times) > _MANY_A_SECOND * span_s:
        doubt = f"{len(times) / span_s:.0f} requests a second"
    if doubt:
        raise InputError(f"{path}: {doubt}: are they seconds? Say so in the workload: time_unit=s, else time_unit=ms")


def _check_mooncake(row: dict[str, Any], where: str, earliest: float, time_unit: str) -> None:
    """Raise InputError for a line with a wrong value; its time must not be before `earliest`."""
    time, ids = row["timestamp"], row["hash_ids"]
    if type(time) not in (int, float) or not 0 <= time <= MAX_TIME_US / TIME_UNITS[time_unit]:
        _refuse(where, "timestamp", time, f"is not a time in {time_unit} >= 0")
    if time < earliest:
        _refuse(where, "timestamp", time, f"is less than {earliest} before it")
    for key, low in (("input_length", 1), ("output_length", 0)):
        if type(row[key]) is not int or not low <= row[key] <= MAX_TOKENS:
            _refuse(where, key, row[key], f"is not a whole number in [{low}, {MAX_TOKENS}]")
    if not isinstance(ids, list) or not all(type(block) is int for block in ids):
        _refuse(where, "hash_ids", ids, "is not a list of whole numbers")
    needed = -(-row["input_length"] // MOONCAKE_BLOCK_TOKENS)
    if len(ids) != needed:
        problem = f"has {len(ids)} ids, but {row['input_length']} tokens start {needed} blocks"
        _refuse(where, "hash_ids", ids, f"{problem} of {MOONCAKE_BLOCK_TOKENS}; other sizes of blocks are not read")


def _mooncake_spans(number: int, row: dict[str, Any]) -> list[Span]:
    """What a request says: each block is the beginning of a stream that its id names; the output is its own."""
    spans: list[Span] = [(block, 0, MOONCAKE_BLOCK_TOKENS) for block in row["hash_ids"]]
    last_tokens = row["input_length"] - MOONCAKE_BLOCK_TOKENS * (len(spans) - 1)
    spans[-1] = (spans[-1][0], 0, last_tokens)
    spans.append((("output", number), 0, row["output_length"]))
    return spans


def _refuse(where: str, column: str, value: object, problem: str) -> NoReturn:
    raise InputError(f"{where}: column {column}: {in_short(value)} {problem}")


def load_azure(path: str | Path) -> RequestTable:
    """CSV `TIMESTAMP,ContextTokens,GeneratedTokens`; the first request arrives at 0, nothing is shared.

    TIMESTAMP: wall time, `2023-11-16 18:17:03.9799600` or `2024-05-10T00:00:01.009930+00:00`, up to seven digits after
    the point, rounded to µs.
    """
    sheet = Sheet(path, _AZURE_COLUMNS, others_allowed=True)
    ticks = wall_times(sheet, "TIMESTAMP")
    good = np.diff(ticks, prepend=ticks[:1]) >= 0
    sheet.check("TIMESTAMP", good, lambda row: f"is less than {sheet.cells['TIMESTAMP'][row - 1]} before it")
    return _unshared(sheet, (ticks - ticks[0] + 5) // 10, "ContextTokens", "GeneratedTokens")


def load_compact(path: str | Path, time_unit: str = "") -> RequestTable:
    """CSV `arrived_at,num_prefill_tokens,num_decode_tokens`: seconds since the start; nothing is shared.

    time_unit: what times are in, if not seconds.
    """
    unit = time_unit or "s"
    unit_us = TIME_UNITS[unit]
    sheet = Sheet(path, _COMPACT_COLUMNS, others_allowed=True)
    times = sheet.numbers("arrived_at", lambda time: 0 <= time <= MAX_TIME_US / unit_us, f"a time in {unit} >= 0")
    good = np.diff(times, prepend=0) >= 0
    sheet.check("arrived_at", good, lambda row: f"is less than {sheet.cells['arrived_at'][row - 1]} before it")
    return _unshared(sheet, np.rint(times * unit_us).astype(np.int64), "num_prefill_tokens", "num_decode_tokens")


def _unshared(sheet: Sheet, arrival_us: NDArray[np.int64], inputs: str, outputs: str) -> RequestTable:
    """Requests of which the file says only lengths, in the columns named."""
    input_tokens = sheet.integers(inputs, 1, MAX_TOKENS)
    output_tokens = sheet.integers(outputs, 0, MAX_TOKENS)
    nothing = np.zeros(len(sheet), np.int64)
    return assemble(
        intern_prefix_groups(nothing - 1, nothing, input_tokens, output_tokens),
        arrival_us=arrival_us,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )


#: Ours by name, and those that installed packages bring.
FORMATS = plugins.Named[Format]("format", plugins.FORMATS)
FORMATS.register("mooncake")(
    Format("JSON lines with hashes of 512-token blocks", _MOONCAKE_KEYS, True, load_mooncake, "ms")
)
FORMATS.register("azure")(Format("CSV with wall times", _AZURE_COLUMNS, False, load_azure))
FORMATS.register("compact")(Format("CSV with seconds since the start", _COMPACT_COLUMNS, False, load_compact, "s"))
FORMATS.register("requests")(Format("this program's own CSV", COLUMNS, False, load_requests))
FORMATS.register("token-lists")(Format("the original's CSV of token lists", TOKEN_COLUMNS, False, load_token_lists))


def detect_format(path: str | Path) -> str:
    """The name of the format whose columns or keys the file's first line has most of.

    Token lists are told by their cells. Raises InputError if the file is empty or its first line has fewer than two of
    any format's.
    """
    if is_token_lists(path):
        return "token-lists"
    first = next((line for line in read_text(path).split("\n") if line.strip()), "")
    if not first:
        raise InputError(f"{path}: empty file")
    json_lines = first.lstrip().startswith("{")
    # Keys are read even from a line that is cut off: the parser then says what is wrong with it.
    cells = re.findall(r'"([^"]*)"\s*:', first) if json_lines else first.split(",")
    names = {cell.strip(' "\r') for cell in cells}
    found = {name: len(names.intersection(f.columns)) for name, f in FORMATS.items() if f.json_lines == json_lines}
    best = max(found, key=found.__getitem__)
    if found[best] < 2:
        known = "; ".join(f"{name}: {', '.join(each.columns)}" for name, each in FORMATS.items())
        raise InputError(f"{path}: line 1: {first.strip()[:60]!r} is of no known format ({known})")
    return best
