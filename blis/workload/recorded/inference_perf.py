"""What inference-perf writes as per_request_lifecycle_metrics.json: a JSON list, a request an item.

kubernetes-sigs/inference-perf @ 03e89d4a (apis/base.py, reportgen/base.py): `start_time`, `end_time` in s on the
client's clock, `info` with tokens and when they came, `error`. A request arrives at its start_time, not when its stage
says so: loads called constant are sent with exponential gaps. Tokens are the server's count where it gave one.
An answer ends with its last token where that is known; `end_time` is when the stream ended.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from blis.errors import InputError
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.json_rows import JsonRows, json_document
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.build import prompts, recording
from blis.workload.recorded.recording import Recording

KEYS = ("start_time", "end_time", "info", "error", "input_tokens", "output_token_times")

_MOST_S = 1e12
_OUTPUTS = ("info.response_metrics.server_usage.completion_tokens", "info.response_metrics.output_tokens")
_OLD_OUTPUTS = "info.output_tokens"  # before response_metrics


def load_inference_perf(path: str | Path) -> Recording:
    """The answered requests of a file. Raises InputError naming file, item and key."""
    document = json_document(path)
    if not isinstance(document, list) or not document or not all(isinstance(row, dict) for row in document):
        raise InputError(f"{path}: a JSON list of requests is expected")
    rows = JsonRows(path, document, [f"item {row}" for row in range(len(document))])
    start, end = (rows.times(key, _MOST_S, "s") for key in ("start_time", "end_time"))
    outputs = _outputs(rows)
    ok = np.array([error is None for error in rows.values("error")]) & (outputs > 0)
    first, last = _tokens_came(rows)
    return recording(
        Path(path).name,
        arrival_us=start * 1e6,
        first_token_us=first * 1e6,
        completed_us=np.where(last >= 0, last, end) * 1e6,
        input_tokens=prompts(rows, "info.input_tokens", ok),
        output_tokens=outputs,
        ok=ok,
        client_side=True,
        server=server_beside(path),
    )


def _outputs(rows: JsonRows) -> Any:
    """[n] tokens of each answer, the first count that there is; 0 without any."""
    counts = [rows.integers(key, 0, MAX_TOKENS, blank=-1) for key in (*_OUTPUTS, _OLD_OUTPUTS)]
    known = np.where(counts[0] >= 0, counts[0], np.where(counts[1] >= 0, counts[1], counts[2]))
    return np.maximum(known, 0)


def _tokens_came(rows: JsonRows) -> tuple[Any, Any]:
    """[n] when the first and the last token of each answer came, -1 where that is not known."""
    now, before = (rows.values(f"{above}.output_token_times") for above in ("info.response_metrics", "info"))
    found = [
        next(((each[0], each[-1]) for each in lists if isinstance(each, list) and each), (None, None))
        for lists in zip(now, before, strict=True)
    ]
    known = JsonRows(rows.path, [{"first": first, "last": last} for first, last in found], rows.names)
    return known.times("first", _MOST_S, "s", blank=-1), known.times("last", _MOST_S, "s", blank=-1)
