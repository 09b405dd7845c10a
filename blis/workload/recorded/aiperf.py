"""What AIPerf writes as profile_export.jsonl: JSON lines, a request a line.

ai-dynamo/aiperf 0.14 (docs/tutorials/working-with-profile-exports.md): `metadata` with times in ns on the Unix clock
and the conversation, `metrics` with a value and a unit each, `error`. Lines of another phase than `profiling` warmed
the server up; those with an error, or that were cancelled, got no answer.
"""

from __future__ import annotations

from pathlib import Path

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
    rows = json_lines(path, ("metadata", "metrics", "error"))
    start, end = (rows.times(f"metadata.request_{name}_ns", _MOST_NS, "ns") for name in ("start", "end"))
    cancelled = np.array([value is True for value in rows.values("metadata.was_cancelled")])
    outputs = rows.integers("metrics.output_sequence_length.value", 0, MAX_TOKENS, blank=0)
    ok = np.array([error is None for error in rows.values("error")]) & ~cancelled & (outputs > 0)
    ttft_us = rows.times("metrics.time_to_first_token.value", _MOST, "ms", blank=-1) * _unit_us(rows)
    return recording(
        Path(path).name,
        arrival_us=start / 1e3,
        first_token_us=np.where(ttft_us >= 0, start / 1e3 + ttft_us, -1),
        completed_us=end / 1e3,
        input_tokens=prompts(rows, "metrics.input_sequence_length.value", ok),
        output_tokens=outputs,
        ok=ok,
        request_ids=_names(rows),
        session=rows.texts("metadata.x_correlation_id"),
        warm_up=[phase not in ("profiling", "") for phase in rows.texts("metadata.benchmark_phase")],
        client_side=True,
        server=server_beside(path),
    )


def _unit_us(rows: JsonRows) -> float:
    """The µs of the unit that times to the first token are in."""
    units = set(rows.texts("metrics.time_to_first_token.unit")) - {""} or {"ms"}
    if len(units) > 1 or not units <= set(TIME_UNITS):
        raise InputError(f"{rows.path}: time_to_first_token is in {', '.join(sorted(units))}, not in one known unit")
    return TIME_UNITS[units.pop()]


def _names(rows: JsonRows) -> list[str]:
    """Their own, and else where they stand."""
    return [name or f"request_{row}" for row, name in enumerate(rows.texts("metadata.x_request_id"))]
