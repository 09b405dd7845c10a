"""Request logs: JSON lines as LLMServingSim's benchmark of vLLM writes them, and our own results as CSV.

JSON lines: `request_id`, `input_toks`, `output_toks`, `queued_ts`, `first_token_ts`, `last_token_ts` and, where known,
`scheduled_ts`, in seconds on the engine's clock; `arrival_time` is on another one and is not read. Beside the file
X.requests.jsonl (or requests.jsonl) there may be X.meta.json, what the engine was started with, and X.timeseries.csv,
what it said of itself every second.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, in_short
from blis.files import read_text
from blis.json_strict import parse_json
from blis.recorded.build import recording
from blis.recorded.recording import MOMENT, Recording, Server
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.sheet import Sheet, missing_name

KEYS = ("request_id", "input_toks", "output_toks", "queued_ts", "first_token_ts", "last_token_ts")
SCHEDULED = "scheduled_ts"
RESULT_COLUMNS = ("request_id", "status", "arrival_us", "input_tokens", "output_tokens", "ttft_us", "e2e_us")

_US = 1e6
_MOST_US = 2**61  # sums of two fit in 64 bits


def load_request_log(path: str | Path) -> Recording:
    """A log of JSON lines and what stands beside it. Raises InputError naming file and line."""
    rows = [
        _row(line, f"{path}: line {number}")
        for number, line in enumerate(read_text(path).split("\n"), 1)
        if line.strip()
    ]
    if not rows:
        raise InputError(f"{path}: empty file; one JSON object a line is expected")
    knows_scheduled = all(row.get(SCHEDULED) is not None for row in rows)
    keys = (*KEYS[3:], SCHEDULED) if knows_scheduled else KEYS[3:]
    times = {key: np.array([row[key] for row in rows], np.float64) * _US for key in keys}
    return recording(
        Path(path).name,
        arrival_us=times["queued_ts"],
        scheduled_us=times.get(SCHEDULED),
        first_token_us=times["first_token_ts"],
        completed_us=times["last_token_ts"],
        input_tokens=[row["input_toks"] for row in rows],
        output_tokens=[row["output_toks"] for row in rows],
        ok=True,
        request_ids=[str(row["request_id"]) for row in rows],
        taken_up=True,
        server=_server(_beside(path, "meta.json")),
        timeline=_timeline(_beside(path, "timeseries.csv")),
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
    )


def _row(line: str, where: str) -> dict[str, Any]:
    """One line, checked."""
    try:
        row = parse_json(line)
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict):
        raise InputError(f"{where}: a JSON object is expected, got {line.strip()[:40]!r}")
    for key in KEYS:
        if key not in row:
            raise InputError(f"{where}: {missing_name('key', key, row)}")
    if type(row["request_id"]) not in (int, str):
        raise InputError(f"{where}: request_id: {in_short(row['request_id'])} is neither a name nor a number")
    for key in ("input_toks", "output_toks"):
        if type(row[key]) is not int or not 1 <= row[key] <= MAX_TOKENS:
            raise InputError(f"{where}: {key}: {in_short(row[key])} is not a whole number in [1, {MAX_TOKENS}]")
    for key in KEYS[3:] if row.get(SCHEDULED) is None else (*KEYS[3:], SCHEDULED):
        if type(row[key]) not in (int, float) or not 0 <= row[key] < 1e12:
            raise InputError(f"{where}: {key}: {in_short(row[key])} is not a time in s >= 0")
    return row


def _beside(path: str | Path, ending: str) -> Path | None:
    """The file of the same recording with another ending, if it is there."""
    log = Path(path).expanduser()
    stem = re.sub(r"(^|\.)requests\.jsonl$", "", log.name)
    other = log.with_name(f"{stem}.{ending}" if stem else ending)
    return other if other.is_file() and other != log else None


def _server(path: Path | None) -> Server:
    """What a meta.json says; keys that it lacks are not known."""
    if path is None:
        return Server()
    try:
        meta = parse_json(read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(meta, dict):
        raise InputError(f"{path}: a JSON object is expected")
    started, cache, hardware = (_part(meta, key) for key in ("engine_kwargs", "kv_cache", "hardware"))
    ahead = _part(_part(meta, "resolved_config"), "scheduler_config").get("async_scheduling")
    return Server(
        model=str(meta.get("model") or ""),
        gpu=str(hardware.get("device_name") or ""),
        tp=_whole(started, "tensor_parallel_size"),
        vllm=str(meta.get("vllm_version") or ""),
        max_running=_whole(started, "max_num_seqs"),
        max_scheduled_tokens=_whole(started, "max_num_batched_tokens"),
        kv_blocks=_whole(cache, "num_gpu_blocks"),
        block_size_tokens=_whole(cache, "block_size"),
        max_model_len=_whole(started, "max_model_len"),
        async_scheduling=ahead if isinstance(ahead, bool) else None,
    )


def _part(mapping: Any, key: str) -> dict[str, Any]:
    found = mapping.get(key) if isinstance(mapping, dict) else None
    return found if isinstance(found, dict) else {}


def _whole(mapping: dict[str, Any], key: str) -> int:
    value = mapping.get(key)
    return value if type(value) is int and value > 0 else 0


def _timeline(path: Path | None) -> NDArray[np.void] | None:
    """What a timeseries.csv says: `t` in s, `running`, `waiting`, `kv_cache_pct`."""
    if path is None:
        return None
    sheet = Sheet(path, ("t", "running", "waiting", "kv_cache_pct"), others_allowed=True)

    def column(name: str, high: float = 1e12) -> NDArray[np.float64]:
        return sheet.numbers(name, lambda value: 0 <= value <= high, f"a number in [0, {high:g}]")

    moments = np.zeros(len(sheet), MOMENT)
    moments["time_us"] = np.rint(column("t") * _US)
    moments["running"], moments["waiting"] = column("running"), column("waiting")
    moments["kv_share"] = column("kv_cache_pct", 100) / 100
    return np.sort(moments, order="time_us")
