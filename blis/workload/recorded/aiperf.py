"""What AIPerf writes as profile_export.jsonl: JSON lines, a request a line.

ai-dynamo/aiperf 0.14 (docs/tutorials/working-with-profile-exports.md): `metadata` with times in ns on the Unix clock
and the conversation, `metrics` with a value and a unit each, `error`, which answers do not have since 0.13. Lines of
another phase than `profiling` warmed the server up; those with an error, or that were cancelled, got no answer.
`request_latency` ends with the last token; `request_end_ns` is when the stream ended, which may be later. Sequence
lengths are a tokenizer's of the client, `usage_…` is what the server counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from blis.errors import InputError
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.clock import TIME_UNITS
from blis.workload.read.json_rows import JsonRows, json_lines
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.build import prompts, recording
from blis.workload.recorded.recording import Recording

KEYS = ("metadata", "metrics", "request_start_ns", "request_end_ns", "benchmark_phase", "input_sequence_length")

_MOST_NS, _MOST = 2**62, 1e12


def load_aiperf(path: str | Path) -> Recording:
    """The answered requests of a file. Raises InputError naming file, line and key."""
    rows = json_lines(path, ("metadata", "metrics"))
    start, end = (rows.times(f"metadata.request_{name}_ns", _MOST_NS, "ns") for name in ("start", "end"))
    cancelled = np.array([value is True for value in rows.values("metadata.was_cancelled")])
    own = rows.integers("metrics.output_sequence_length.value", 0, MAX_TOKENS, blank=0)
    outputs = _counted(rows, "usage_completion_tokens", own)
    ok = np.array([error is None for error in rows.values("error")]) & ~cancelled & (outputs > 0)
    ttft_us, latency_us = (_metric_us(rows, name) for name in ("time_to_first_token", "request_latency"))
    return recording(
        Path(path).name,
        arrival_us=start / 1e3,
        first_token_us=np.where(ttft_us >= 0, start / 1e3 + ttft_us, -1),
        completed_us=np.where(latency_us >= 0, np.minimum(start / 1e3 + latency_us, end / 1e3), end / 1e3),
        input_tokens=_counted(rows, "usage_prompt_tokens", prompts(rows, "metrics.input_sequence_length.value", ok)),
        output_tokens=outputs,
        ok=ok,
        request_ids=_names(rows),
        session=rows.texts("metadata.x_correlation_id"),
        warm_up=[phase not in ("profiling", "") for phase in rows.texts("metadata.benchmark_phase")],
        client_side=True,
        server=server_beside(path),
    )


def _counted(rows: JsonRows, name: str, own: Any) -> Any:
    """[n] tokens as the server counts them where it says so, else as AIPerf's tokenizer does."""
    said = rows.integers(f"metrics.{name}.value", 0, MAX_TOKENS, blank=-1)
    return np.where(said >= 0, said, own)


def _metric_us(rows: JsonRows, name: str) -> Any:
    """[n] a metric in µs, below 0 where there is none."""
    units = set(rows.texts(f"metrics.{name}.unit")) - {""} or {"ms"}
    if len(units) > 1 or not units <= set(TIME_UNITS):
        raise InputError(f"{rows.path}: {name} is in {', '.join(sorted(units))}, not in one known unit")
    return rows.times(f"metrics.{name}.value", _MOST, "ms", blank=-1) * TIME_UNITS[units.pop()]


def _names(rows: JsonRows) -> list[str]:
    """Their own, and else where they stand."""
    return [name or f"request_{row}" for row, name in enumerate(rows.texts("metadata.x_request_id"))]
