"""What may stand beside a log X.csv, X.json or X.jsonl (or X.requests.jsonl): what the engine was, and what it said.

X.meta.json says how it was started, as LLMServingSim's benchmark of vLLM writes it; X.timeseries.csv how many requests
ran and waited, every second.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, in_short
from blis.files import read_text, unpacked_name
from blis.workload.read.json_rows import json_object
from blis.workload.read.sheet import Sheet
from blis.workload.recorded.recording import MOMENT, Server

_KINDS = {str: "a text", int: "a whole number", bool: "true or false", dict: "a JSON object"}
_TOO_MANY = 2**31
_META, _TIMELINE = _ENDINGS = ("meta.json", "timeseries.csv")


def server_beside(log: str | Path, own: Server | None = None) -> Server:
    """What a log says of its own server, and where it is silent what its meta.json does, if it has one.

    Raises InputError naming file and key.
    """
    own = own or Server()
    path = _beside(log, _META)
    return own if path is None else own.over(_server(path))


def _server(path: Path) -> Server:
    meta = json_object(read_text(path), str(path))
    started, cache, hardware = (_part(path, meta, key) for key in ("engine_kwargs", "kv_cache", "hardware"))
    scheduler = _part(path, _part(path, meta, "resolved_config"), "scheduler_config")
    return Server(
        model=_known(path, meta, "model", str, ""),
        gpu=_known(path, hardware, "device_name", str, ""),
        tp=_known(path, started, "tensor_parallel_size", int, 0),
        vllm=_known(path, meta, "vllm_version", str, ""),
        max_running=_known(path, started, "max_num_seqs", int, 0),
        max_scheduled_tokens=_known(path, started, "max_num_batched_tokens", int, 0),
        kv_blocks=_known(path, cache, "num_gpu_blocks", int, 0),
        block_size_tokens=_known(path, cache, "block_size", int, 0),
        max_model_len=_known(path, started, "max_model_len", int, 0),
        instances=_known(path, started, "data_parallel_size", int, 0),
        async_scheduling=_known(path, scheduler, "async_scheduling", bool, None),
    )


def timeline_beside(log: str | Path) -> NDArray[np.void] | None:
    """[instants] MOMENT of its timeseries.csv; None without one.

    `t` in s, `running`, `waiting`, `kv_cache_pct` and, where it is known, `engines`.
    """
    path = _beside(log, _TIMELINE)
    if path is None:
        return None
    sheet = Sheet(path, ("t", "running", "waiting", "kv_cache_pct"), others_allowed=True)

    def column(name: str, high: float = 1e12) -> NDArray[np.float64]:
        return sheet.numbers(name, lambda value: 0 <= value <= high, f"a number in [0, {high:g}]")

    moments = np.zeros(len(sheet), MOMENT)
    moments["time_us"] = np.rint(column("t") * 1e6)
    moments["running"], moments["waiting"] = column("running"), column("waiting")
    moments["kv_share"] = column("kv_cache_pct", 100) / 100
    if "engines" in sheet.cells:
        moments["engines"] = sheet.integers("engines", 0, _TOO_MANY - 1, blank=0)
    return np.sort(moments, order="time_us")


def files_beside(log: str | Path) -> list[Path]:
    """The files of both kinds that a log has beside it."""
    return [path for ending in _ENDINGS if (path := _beside(log, ending)) is not None]


def _beside(path: str | Path, ending: str) -> Path | None:
    """The file of the same recording with another ending, if it is there."""
    log = unpacked_name(Path(path).expanduser())
    stem = re.sub(r"(^|\.)requests$", "", log.stem)
    other = log.with_name(f"{stem}.{ending}" if stem else ending)
    return other if other.is_file() and other != log else None


def _part(path: Path, mapping: dict[str, Any], key: str) -> dict[str, Any]:
    found: dict[str, Any] = _known(path, mapping, key, dict, {})
    return found


def _known(path: Path, mapping: dict[str, Any], key: str, kind: Any, unknown: Any) -> Any:
    """A value of a type; `unknown` where there is none. vLLM writes numbers below 0 for what it finds out itself."""
    value: Any = mapping.get(key)
    if value is None:
        return unknown
    if type(value) is not kind:
        raise InputError(f"{path}: {key}: {in_short(value)} is not {_KINDS[kind]}")
    if kind is int and value >= _TOO_MANY:
        raise InputError(f"{path}: {key}: {in_short(value)} is not below {_TOO_MANY}")
    return max(value, 0) if kind is int else value
