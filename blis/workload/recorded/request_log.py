"""Request logs: JSON lines as LLMServingSim's benchmark of vLLM writes them, and our own results as CSV.

JSON lines: `request_id`, `input_toks`, `output_toks`, `queued_ts`, `first_token_ts`, `last_token_ts` and, where known,
`scheduled_ts`, in seconds on the engine's clock; `arrival_time` is on another one and is not read. beside.py reads what
may stand beside such a file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from blis.errors import InputError, in_short
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.json_rows import json_lines
from blis.workload.read.sheet import Sheet
from blis.workload.recorded.beside import server_beside, timeline_beside
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import Recording, Server

KEYS = ("request_id", "input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts")
SCHEDULED = "scheduled_ts"
RESULT_COLUMNS = ("request_id", "status", "arrival_us", "input_tokens", "output_tokens", "ttft_us", "e2e_us")

_US = 1e6
_MOST_US = 2**61  # sums of two fit in 64 bits


def load_request_log(path: str | Path) -> Recording:
    """A log of JSON lines and what stands beside it. Raises InputError naming file and line."""
    rows = [_checked(row, where) for where, row in json_lines(path, KEYS)]
    answered = [_is_answered(row) for row in rows]
    knows_scheduled = all(row.get(SCHEDULED) is not None for row, ok in zip(rows, answered, strict=True) if ok)
    keys = (*KEYS[3:], SCHEDULED) if knows_scheduled else KEYS[3:]
    times = {key: np.array([row.get(key) for row in rows], np.float64) * _US for key in keys}
    return recording(
        Path(path).name,
        arrival_us=times["queued_ts"],
        scheduled_us=times.get(SCHEDULED),
        first_token_us=times["first_token_ts"],
        completed_us=times["last_token_ts"],
        input_tokens=[row["input_toks"] for row in rows],
        output_tokens=[row["output_toks"] or 0 for row in rows],
        ok=answered,
        request_ids=[str(row["request_id"]) for row in rows],
        taken_up=True,
        server=server_beside(path, Server(instances=1)),
        timeline=timeline_beside(path),
    )


def load_results(path: str | Path) -> Recording:
    """What `blis run --results-path` wrote, as if a server had."""
    sheet = Sheet(path, RESULT_COLUMNS, others_allowed=True)
    arrival, ttft, e2e = (sheet.integers(name, 0, _MOST_US, blank=-1) for name in ("arrival_us", "ttft_us", "e2e_us"))
    sheet.check("arrival_us", arrival >= 0, lambda row: "must be a time in µs")
    scheduled = sheet.integers("scheduled_us", 0, _MOST_US, blank=-1) if "scheduled_us" in sheet.cells else None
    completed = np.array([status == "completed" for status in sheet.cells["status"]])
    return recording(
        Path(path).name,
        arrival_us=arrival,
        scheduled_us=scheduled,
        first_token_us=arrival + ttft,
        completed_us=arrival + e2e,
        input_tokens=sheet.integers("input_tokens", 1, MAX_TOKENS),
        output_tokens=sheet.integers("output_tokens", 0, MAX_TOKENS),
        ok=completed & (ttft >= 0),
        request_ids=sheet.cells["request_id"],
        slo_class=sheet.cells.get("slo_class", ()),
        tenant=sheet.cells.get("tenant", ()),
        cached_tokens=sheet.integers("cached_tokens", 0, MAX_TOKENS, blank=0) if "cached_tokens" in sheet.cells else 0,
        server=server_beside(path, _server(sheet)),
    )


def _server(sheet: Sheet) -> Server:
    """What the instances that answered were started with; nothing where they differ, or the file is an old one."""

    def alike(column: str) -> str:
        found = set(sheet.cells.get(column, ())) - {""}
        return found.pop() if len(found) == 1 else ""

    def number(column: str) -> int:
        known = sheet.integers(column, 1, 2**31 - 1, blank=0) if column in sheet.cells else np.zeros(1, np.int64)
        return int(known.max()) if alike(column) else 0

    return Server(
        engine=alike("engine"),
        instances=len(set(sheet.cells.get("instance", ())) - {""}),
        max_running=number("max_running"),
        max_scheduled_tokens=number("max_scheduled_tokens"),
        kv_blocks=number("kv_blocks"),
        block_size_tokens=number("block_size_tokens"),
    )


def _is_answered(row: dict[str, Any]) -> bool:
    """Whether a request got a token and came to its end."""
    return bool(row["output_toks"]) and None not in (row["first_token_ts"], row["last_token_ts"])


def _checked(row: dict[str, Any], where: str) -> dict[str, Any]:
    """One line whose values are right; what only an answer has may be null."""
    if type(row["request_id"]) not in (int, str):
        raise InputError(f"{where}: request_id: {in_short(row['request_id'])} is neither a name nor a number")
    for key, least in (("input_toks", 1), ("output_toks", 0)):
        if key == "output_toks" and row[key] is None:
            continue
        if type(row[key]) is not int or not least <= row[key] <= MAX_TOKENS:
            raise InputError(f"{where}: {key}: {in_short(row[key])} is not a whole number in [{least}, {MAX_TOKENS}]")
    for key in (*KEYS[3:], SCHEDULED):
        if key != "queued_ts" and row.get(key) is None:
            continue
        if type(row[key]) not in (int, float) or not 0 <= row[key] < 1e12:
            raise InputError(f"{where}: {key}: {in_short(row[key])} is not a time in s >= 0")
    return row
