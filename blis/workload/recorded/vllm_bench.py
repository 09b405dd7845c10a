"""What `vllm bench serve --save-result --save-detailed` writes: one JSON object with a list a column.

`start_times`, `ttfts`, `itls` in seconds on the client's clock, `input_lens`, `output_lens`, `errors`. vLLM writes
`start_times` since 0.15 (vllm-project/vllm #32667, merged in January 2026); without them nobody knows who was there at
the same time, and the file is refused. `output_lens` count tokens, but a gap of `itls` lies between two chunks of the
stream (benchmarks/lib/endpoint_request_func.py), which may hold several: it is their sum that counts. The chat
endpoint's first chunk holds a role and no token: where there is a gap for each token, the first token is that of the
second chunk. Completions have no such chunk: there one gap too many, in a chat two, are the wait for a chunk that says
why the answer ended. Which of that holds depends on backend and release; a result that does not say both is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, in_short
from blis.files import unpacked_name
from blis.workload.assemble import MAX_TOKENS
from blis.workload.read.json_rows import json_document
from blis.workload.read.sheet import missing_names
from blis.workload.recorded.beside import server_beside
from blis.workload.recorded.build import recording
from blis.workload.recorded.recording import Recording, Server

COLUMNS = ("input_lens", "output_lens", "ttfts", "itls", "start_times")


def load_vllm_bench(path: str | Path) -> Recording:
    """A detailed result. Raises InputError naming file, key and item."""
    result = _result(path)
    server = server_beside(path, Server(model=str(result.get("model_id") or "")))
    _check_of_whom(path, result, server)
    inputs, outputs = (np.array(_items(path, result, key, _is_count, _COUNT), np.int64) for key in COLUMNS[:2])
    ttft, start = (np.array(_items(path, result, key, _is_time, _TIME)) for key in ("ttfts", "start_times"))
    itls = _items(path, result, "itls", _is_times, "is no list of times in s >= 0")
    errors = _items(path, result, "errors", lambda item: item is None or isinstance(item, str), "is no text")
    gaps = np.array([len(row) for row in itls])
    extra = np.where(gaps > 0, gaps + 1 - outputs, 0)  # chunks without a token, if every other one has one
    role_only = np.isin(extra, (1, 2)) & ("chat" in str(result.get("backend") or result["endpoint_type"]))
    first = start + ttft + [row[0] if chunk else 0.0 for row, chunk in zip(itls, role_only, strict=True)]
    tokens = [row[:-1] if ended else row for row, ended in zip(itls, extra - role_only == 1, strict=True)]
    answered = np.array([not error for error in errors]) & (ttft > 0) & (outputs > 0)
    if (empty := answered & (inputs < 1)).any():
        raise InputError(f"{path}: input_lens: item {np.argmax(empty)}: 0 tokens, but there is an answer")
    return recording(
        Path(path).name,
        arrival_us=start * 1e6,
        first_token_us=first * 1e6,
        completed_us=(start + ttft + [sum(row) for row in tokens]) * 1e6,
        input_tokens=inputs,
        output_tokens=outputs,
        ok=answered,
        client_side=True,
        server=server,
        notes=_notes(outputs[answered], gaps[answered]),
    )


def _result(path: str | Path) -> dict[str, Any]:
    """The file's object with all columns, of one length."""
    result = json_document(path)
    if not isinstance(result, dict):
        raise InputError(f"{path}: a JSON object is expected")
    lists = [key for key, value in result.items() if isinstance(value, list)]
    if missing := missing_names("list", COLUMNS, lists):
        since = "" if "start_times" in lists else " and vLLM 0.15 or later"
        raise InputError(f"{path}: {missing}; write it with --save-detailed{since}")
    n = len(result["ttfts"])
    if n == 0:
        raise InputError(f"{path}: no requests")
    result = {**result, "errors": result.get("errors") or [""] * n}
    for key in (*COLUMNS, "errors"):
        if not isinstance(result[key], list) or len(result[key]) != n:
            raise InputError(f"{path}: {key} must be a list of {n} items, as ttfts is, got {in_short(result[key])}")
    return result


def _items(path: str | Path, result: dict[str, Any], key: str, good: Callable[[Any], bool], problem: str) -> list[Any]:
    """A column whose items are all good."""
    items: list[Any] = result[key]
    for place, item in enumerate(items):
        if not good(item):
            raise InputError(f"{path}: {key}: item {place}: {in_short(item)} {problem}")
    return items


def _check_of_whom(path: str | Path, result: dict[str, Any], server: Server) -> None:
    """Raise InputError for a result that does not say by which code its tokens were timed, nor what stands beside it.

    By backend and release the same answers have a first chunk with a token or without one, and another number of gaps.
    """
    if not (result.get("backend") or result.get("endpoint_type")):
        raise InputError(f"{path}: key 'backend' is missing: when first tokens came depends on it; add it to the file")
    if not (server.vllm or any(map(result.get, _VERSIONS))):
        meta = unpacked_name(path).with_suffix(".meta.json").name
        raise InputError(
            f"{path}: key 'version' is missing: when first tokens came depends on the release of vLLM; --metadata"
            f' version=0.19.0 writes it, or say it in {meta} beside the file: {{"vllm_version": "0.19.0"}}'
        )


_VERSIONS = ("vllm_version", "version")  # which only --metadata version=… writes
_COUNT, _TIME = f"is not a whole number in [0, {MAX_TOKENS}]", "is not a time in s >= 0"


def _is_count(item: Any) -> bool:
    return type(item) is int and 0 <= item <= MAX_TOKENS


def _is_time(item: Any) -> bool:
    return type(item) in (int, float) and 0 <= item < 1e12


def _is_times(item: Any) -> bool:
    return isinstance(item, list) and all(map(_is_time, item))


def _notes(outputs: NDArray[np.int64], gaps: NDArray[np.int64]) -> tuple[str, ...]:
    """What the chunks of answers say of the times between tokens."""
    fewer = int((gaps < outputs - 1).sum()) if gaps.any() else 0
    return (f"{fewer} of {len(outputs)} answers came in fewer chunks than they have tokens",) if fewer else ()
