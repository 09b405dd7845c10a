"""The formats of recorded traffic: each a parser from a file to a RequestTable, named in `FORMATS`.

Rows that cannot be simulated are errors, never skipped: a trace with holes is another trace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from blis import plugins
from blis.config import MAX_TIME_US
from blis.errors import InputError
from blis.files import read_text
from blis.tables.requests import RequestTable
from blis.workload.assemble import MAX_TOKENS, assemble
from blis.workload.content.tree import Span, intern_prefix_groups, intern_sequences
from blis.workload.read.csv_requests import COLUMNS, load_requests
from blis.workload.read.sheet import Sheet, missing_name
from blis.workload.read.token_lists import COLUMNS as TOKEN_COLUMNS
from blis.workload.read.token_lists import is_token_lists, load_token_lists

MOONCAKE_BLOCK_TOKENS = 512

_MOONCAKE_KEYS = ("timestamp", "input_length", "output_length", "hash_ids")
_AZURE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_AZURE_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,7})?")
_COMPACT_COLUMNS = ("arrived_at", "num_prefill_tokens", "num_decode_tokens")


class Format(NamedTuple):
    """One layout of files, told from others by its `columns`; `parse` turns a file into requests."""

    what: str
    columns: tuple[str, ...]  # or keys of each line
    json_lines: bool  # else CSV with a header
    parse: Callable[[str | Path], RequestTable]


def load_mooncake(path: str | Path) -> RequestTable:
    """JSON lines: `timestamp` ms, `input_length`, `output_length`, `hash_ids` of 512-token blocks.

    One id for each block that the prompt starts, the last covering what is left of it. Prompts share as many
    tokens as their leading equal ids cover; what follows, and every output, is the request's own.
    Other keys are ignored. Lines must be sorted by time; equal times keep the order of the file.
    """
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            rows.append(_mooncake_row(line, f"{path}: line {number}", rows[-1]["timestamp"] if rows else 0))
    if not rows:
        raise InputError(f"{path}: empty file; one JSON object a line is expected")
    inputs = [row["input_length"] for row in rows]
    return assemble(
        intern_sequences([_mooncake_spans(i, row) for i, row in enumerate(rows)], inputs),
        arrival_us=np.rint(np.array([row["timestamp"] for row in rows], np.float64) * 1000).astype(np.int64),
        input_tokens=inputs,
        output_tokens=[row["output_length"] for row in rows],
    )


def _mooncake_row(line: str, where: str, earliest_ms: float) -> dict[str, Any]:
    """One line, checked."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: a JSON object is expected, got {line.strip()[:40]!r}")
    for key in _MOONCAKE_KEYS:
        if key not in row:
            raise InputError(f"{where}: {missing_name('key', key, row)}")
    time_ms, ids = row["timestamp"], row["hash_ids"]
    if type(time_ms) not in (int, float) or not 0 <= time_ms <= MAX_TIME_US / 1000:
        _refuse(where, "timestamp", time_ms, "is not a time in ms >= 0")
    if time_ms < earliest_ms:
        _refuse(where, "timestamp", time_ms, f"is less than {earliest_ms} before it")
    for key, low in (("input_length", 1), ("output_length", 0)):
        if type(row[key]) is not int or not low <= row[key] <= MAX_TOKENS:
            _refuse(where, key, row[key], f"is not a whole number in [{low}, {MAX_TOKENS}]")
    if not isinstance(ids, list) or not all(type(block) is int for block in ids):
        _refuse(where, "hash_ids", ids, "is not a list of whole numbers")
    needed = -(-row["input_length"] // MOONCAKE_BLOCK_TOKENS)
    if len(ids) != needed:
        problem = f"has {len(ids)} ids, but {row['input_length']} tokens start {needed} blocks"
        _refuse(where, "hash_ids", ids, problem + f" of {MOONCAKE_BLOCK_TOKENS}")
    return row


def _mooncake_spans(number: int, row: dict[str, Any]) -> list[Span]:
    """What a request says: each block is the beginning of a stream that its id names; the output is its own."""
    spans: list[Span] = [(block, 0, MOONCAKE_BLOCK_TOKENS) for block in row["hash_ids"]]
    last_tokens = row["input_length"] - MOONCAKE_BLOCK_TOKENS * (len(spans) - 1)
    spans[-1] = (spans[-1][0], 0, last_tokens)
    spans.append((("output", number), 0, row["output_length"]))
    return spans


def _refuse(where: str, column: str, value: object, problem: str) -> NoReturn:
    shown = repr(value)
    raise InputError(f"{where}: column {column}: {shown if len(shown) <= 40 else shown[:37] + '...'} {problem}")


def load_azure(path: str | Path) -> RequestTable:
    """CSV `TIMESTAMP,ContextTokens,GeneratedTokens`; the first request arrives at 0, nothing is shared.

    TIMESTAMP: wall time `2023-11-16 18:17:03.9799600`, up to seven digits after the point, rounded to µs.
    """
    sheet = Sheet(path, _AZURE_COLUMNS, others_allowed=True)
    ticks = _wall_times(sheet, "TIMESTAMP")
    good = np.diff(ticks, prepend=ticks[:1]) >= 0
    sheet.check("TIMESTAMP", good, lambda row: f"is less than {sheet.cells['TIMESTAMP'][row - 1]} before it")
    return _unshared(sheet, (ticks - ticks[0] + 5) // 10, "ContextTokens", "GeneratedTokens")


def _wall_times(sheet: Sheet, column: str) -> NDArray[np.int64]:
    """A column of wall times in units of 100 ns, of which int64 holds 10,000 years, since the first one's second."""
    cells = sheet.cells[column]
    seconds = np.empty(len(cells), "datetime64[s]")
    fraction = np.empty(len(cells), np.int64)
    for row, cell in enumerate(cells):
        try:
            if _AZURE_TIME.fullmatch(cell) is None:
                raise ValueError
            seconds[row] = cell[:19]
        except ValueError:
            sheet.fail(column, row, "is not a time like 2023-11-16 18:17:03.9799600")
        fraction[row] = int(cell[20:].ljust(7, "0"))
    return (seconds - seconds[0]).astype(np.int64) * 10**7 + fraction


def load_compact(path: str | Path) -> RequestTable:
    """CSV `arrived_at,num_prefill_tokens,num_decode_tokens`: seconds since the start; nothing is shared."""
    sheet = Sheet(path, _COMPACT_COLUMNS, others_allowed=True)
    time_s = sheet.numbers("arrived_at", lambda s: 0 <= s <= MAX_TIME_US / 1e6, "a number of seconds >= 0")
    good = np.diff(time_s, prepend=0) >= 0
    sheet.check("arrived_at", good, lambda row: f"is less than {sheet.cells['arrived_at'][row - 1]} before it")
    return _unshared(sheet, np.rint(time_s * 1e6).astype(np.int64), "num_prefill_tokens", "num_decode_tokens")


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
FORMATS.register("mooncake")(Format("JSON lines with hashes of 512-token blocks", _MOONCAKE_KEYS, True, load_mooncake))
FORMATS.register("azure")(Format("CSV with wall times", _AZURE_COLUMNS, False, load_azure))
FORMATS.register("compact")(Format("CSV with seconds since the start", _COMPACT_COLUMNS, False, load_compact))
FORMATS.register("requests")(Format("this program's own CSV", COLUMNS, False, load_requests))
FORMATS.register("token-lists")(Format("the original's CSV of token lists", TOKEN_COLUMNS, False, load_token_lists))


def detect_format(path: str | Path) -> str:
    """The name of the format whose columns or keys the file's first line has most of.

    Token lists are told by their cells. Raises InputError if the file is empty or its first line has none of any
    format's.
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
    if found[best] == 0:
        known = "; ".join(f"{name}: {', '.join(each.columns)}" for name, each in FORMATS.items())
        raise InputError(f"{path}: line 1: {first.strip()[:60]!r} is of no known format ({known})")
    return best
