"""What `vllm bench serve --save-result --save-detailed` writes: one JSON object with a list a column.

`start_times`, `ttfts`, `itls` in seconds on the client's clock, `input_lens`, `output_lens`, `errors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from blis.errors import InputError
from blis.files import read_text
from blis.json_strict import parse_json
from blis.recorded.build import recording
from blis.recorded.recording import Recording, Server
from blis.workload.read.sheet import missing_name

COLUMNS = ("input_lens", "output_lens", "ttfts", "itls", "start_times")


def load_vllm_bench(path: str | Path) -> Recording:
    """A detailed result. Raises InputError naming file and key."""
    try:
        result = parse_json(read_text(path))
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(result, dict):
        raise InputError(f"{path}: a JSON object is expected")
    for key in COLUMNS:
        if not isinstance(result.get(key), list):
            raise InputError(f"{path}: {missing_name('list', key, result)}; write it with --save-detailed{_since(key)}")
    n = len(result["ttfts"])
    for key in COLUMNS:
        if len(result[key]) != n:
            raise InputError(f"{path}: {key} has {len(result[key])} items, but ttfts has {n}")
    if n == 0:
        raise InputError(f"{path}: no requests")
    errors = result.get("errors") or [""] * n
    start, ttft = (_seconds(path, key, result[key]) for key in ("start_times", "ttfts"))
    gaps = np.array([_seconds(path, "itls", row).sum() for row in result["itls"]])
    outputs = np.array(result["output_lens"], np.int64)
    answered = np.array([not error for error in errors]) & (ttft > 0) & (outputs > 0)
    return recording(
        Path(path).name,
        arrival_us=start * 1e6,
        first_token_us=(start + ttft) * 1e6,
        completed_us=(start + ttft + gaps) * 1e6,
        input_tokens=result["input_lens"],
        output_tokens=outputs,
        ok=answered,
        request_ids=[f"request_{row}" for row in range(n)],
        client_side=True,
        server=Server(model=str(result.get("model_id") or "")),
    )


def _since(key: str) -> str:
    return " and a vLLM that knows it" if key == "start_times" else ""


def _seconds(path: str | Path, key: str, values: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    if not isinstance(values, list) or not all(type(value) in (int, float) and value >= 0 for value in values):
        raise InputError(f"{path}: {key} must hold times in s >= 0")
    return np.array(values, np.float64)
