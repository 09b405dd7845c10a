"""What `guidellm benchmark` writes as JSON: benchmarks, and in each its requests by what became of them.

vllm-project/guidellm @ 06cef291 (request_stats.py, info.py); before 0.4 times have other names and stand beside the
tokens. Only the group `successful` has answers; `incomplete` and `errored` are counted. Times are s on the Unix clock.
An answer ends with its last token, not with the end of its stream, where both are known.
Requests that began before a benchmark's measure_start_time warmed the server up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.json_rows import JsonRows, json_document
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import Recording

KEYS = ("benchmarks", "requests", "successful", "incomplete", "errored", "prompt_tokens", "output_tokens")

_MOST_S = 1e12
_GROUPS = ("successful", "incomplete", "errored")


def load_guidellm(path: str | Path) -> Recording:
    """The successful requests of all benchmarks of a file. Raises InputError naming file, request and key."""
    rows, measured_from, others = _requests(path)
    old = "request_start_time" not in rows.rows[0]
    start = rows.times("start_time" if old else "request_start_time", _MOST_S, "s")
    end = rows.times("end_time" if old else "request_end_time", _MOST_S, "s")
    first, last = (
        rows.times(f"{which}_token_time" if old else f"info.timings.{which}_token_iteration", _MOST_S, "s", blank=-1)
        for which in ("first", "last")
    )
    left = (f"{others} requests were not successful and are left out",) if others else ()
    return recording(
        Path(path).name,
        arrival_us=start * 1e6,
        first_token_us=first * 1e6,
        completed_us=np.where(last >= 0, last, end) * 1e6,
        input_tokens=rows.integers("prompt_tokens", 1, MAX_TOKENS),
        output_tokens=rows.integers("output_tokens", 0, MAX_TOKENS),
        ok=np.ones(len(rows), bool),
        session=rows.texts("info.conversation_id"),
        warm_up=start < measured_from,
        client_side=True,
        server=server_beside(path),
        notes=left,
    )


def _requests(path: str | Path) -> tuple[JsonRows, NDArray[np.float64], int]:
    """The successful requests, since when the benchmark of each measured, and how many others there are."""
    document = json_document(path)
    benchmarks = document.get("benchmarks") if isinstance(document, dict) else None
    if not isinstance(benchmarks, list):
        raise InputError(f"{path}: a JSON object with a list of benchmarks is expected")
    found: list[dict[str, Any]] = []
    names: list[str] = []
    measured_from: list[float] = []
    others = 0
    for number, benchmark in enumerate(benchmarks):
        where = f"benchmarks: item {number}"
        successful, *rest = _groups(benchmark, f"{path}: {where}")
        names += [f"{where}: requests.successful: item {place}" for place in range(len(successful))]
        found += successful
        measured_from += [_number(benchmark, "measure_start_time")] * len(successful)
        others += sum(map(len, rest))
    if not found:
        raise InputError(f"{path}: none of {others} requests was successful")
    return JsonRows(path, found, names), np.array(measured_from), others


def _groups(benchmark: Any, where: str) -> list[list[dict[str, Any]]]:
    """A benchmark's requests by what became of them."""
    requests = benchmark.get("requests") if isinstance(benchmark, dict) else None
    if not isinstance(requests, dict) or not isinstance(requests.get("successful"), list):
        raise InputError(f"{where}: no list requests.successful: a file without its requests has no traffic")
    return [[row for row in requests.get(group) or [] if isinstance(row, dict)] for group in _GROUPS]


def _number(benchmark: dict[str, Any], key: str) -> float:
    """A time of a benchmark's schedule, 0 if it has none."""
    schedule = benchmark.get("scheduler_metrics")
    value = schedule.get(key) if isinstance(schedule, dict) else None
    return float(value) if isinstance(value, int | float) else 0.0
