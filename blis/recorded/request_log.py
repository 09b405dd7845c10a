"""Request logs: JSON lines as LLMServingSim's benchmark of vLLM writes them, and our own results as CSV.

JSON lines: `request_id`, `input_toks`, `output_toks`, `queued_ts`, `first_token_ts`, `last_token_ts`, in seconds on
the engine's clock; `arrival_time` is on another one and is not read. Beside the file X.requests.jsonl (or
requests.jsonl) there may be X.meta.json, what the engine was started with, and X.timeseries.csv, what it said of itself
every second.
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
RESULT_COLUMNS = (
    "request_id",
    "status",
    "arrival_us",
    "input_tokens",
    "output_tokens",
    "first_token_us",
    "completed_us",
)

_US = 1e6


def load_request_log(path: str | Path) -> Recording:
    """A log of JSON lines and what stands beside it. Raises InputError naming file and line."""
    rows = [
        _row(line, f"{path}: line {number}")
        for number, line in enumerate(read_text(path).split("\n"), 1)
        if line.strip()
    ]
    if not rows:
        raise InputError(f"{path}: empty file; one JSON object a line is expected")
    times = {key: np.array([row[key] for row in rows], np.float64) * _US for key in KEYS[3:]}
    return recording(
        Path(path).name,
        arrival_us=times["queued_ts"],
        first_token_us=times["first_token_ts"],
        completed_us=times["last_token_ts"],
        input_tokens=[row["input_toks"] for row in rows],
        output_tokens=[row["output_toks"] for row in rows],
        ok=True,
        request_ids=[str(row["request_id"]) for row in rows],
        server=_server(_beside(path, "meta.json")),
        timeline=_timeline(_beside(path, "timeseries.csv")),
    )


def load_results(path: str | Path) -> Recording:
    """What `blis run --results-path` wrote, as if a server had."""
    sheet = Sheet(path, RESULT_COLUMNS, others_allowed=True)
    ok = np.array([status == "completed" for status in sheet.cells["status"]])
    columns = {name: sheet.integers(name, 0, 2**62, blank=-1) for name in RESULT_COLUMNS[2:]}
    return recording(
        Path(path).name,
        arrival_us=columns["arrival_us"],
        first_token_us=columns["first_token_us"],
        completed_us=columns["completed_us"],
        input_tokens=columns["input_tokens"],
        output_tokens=columns["output_tokens"],
        ok=ok & (columns["first_token_us"] >= 0),
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
    for key, low in (("input_toks", 1), ("output_toks", 1)):
        if type(row[key]) is not int or not low <= row[key] <= MAX_TOKENS:
            raise InputError(f"{where}: {key}: {in_short(row[key])} is not a whole number in [{low}, {MAX_TOKENS}]")
    for key in KEYS[3:]:
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
    started, cache, hardware = (_part(meta, key) for key in ("engine_kwargs", "kv_cache", "hardware"))
    scheduler = _part(_part(meta, "resolved_config"), "scheduler_config")
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
        async_scheduling=scheduler.get("async_scheduling"),
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

    def column(name: str) -> NDArray[np.float64]:
        return sheet.numbers(name, lambda value: 0 <= value < 1e12, "a number >= 0")

    moments = np.zeros(len(sheet), MOMENT)
    moments["time_us"] = np.rint(column("t") * _US)
    moments["running"], moments["waiting"] = column("running"), column("waiting")
    moments["kv_share"] = column("kv_cache_pct") / 100
    return moments
