"""Small results of benchmarks, as public tools write them, that tests change before they write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

START = 1_700_000_000  # s on the Unix clock


def guidellm_request(at: float, **changes: Any) -> dict[str, Any]:
    """A request that began so many s after START: its tokens from 0.5 to 2 s, the end of its stream after 3 s."""
    start = START + at
    timings = {"first_token_iteration": start + 0.5, "last_token_iteration": start + 2, "request_end": start + 3}
    usual = {
        "request_id": f"r{at}", "prompt_tokens": 100, "output_tokens": 4, "request_start_time": start,
        "request_end_time": start + 3, "info": {"conversation_id": None, "timings": timings},
    }  # fmt: skip
    return {**usual, **changes}


def guidellm(path: Path, *benchmarks: list[dict[str, Any]], others: int = 0, **benchmark: Any) -> Path:
    """A file of benchmarks with these successful requests, and others that were not."""
    groups = [{"successful": rows, "incomplete": [], "errored": [{"error": "x"}] * others} for rows in benchmarks]
    document = {"metadata": {"version": 1}, "benchmarks": [{"requests": group, **benchmark} for group in groups]}
    path.write_text(json.dumps(document, indent=1))
    return path


def aiperf_line(
    at_ms: int, *, tokens: int | None = 5, error: Any = None, ttft: Any = None, last_ms: float = 100, **metadata: Any
) -> str:
    """A request that was sent so many ms after START: its tokens from 20 to 100 ms, the end of its stream after 1 s."""
    start = START * 10**9 + at_ms * 10**6
    above = {
        "session_num": 0, "x_request_id": f"q{at_ms}", "x_correlation_id": f"c{at_ms}", "turn_index": 0,
        "request_start_ns": start, "request_end_ns": start + 10**9, "benchmark_phase": "profiling",
        "was_cancelled": False,
    }  # fmt: skip
    metrics: dict[str, Any] = {"input_sequence_length": {"value": 550, "unit": "tokens"}}
    if tokens is None:
        metrics = {"error_isl": {"value": 550, "unit": "tokens"}}
    else:
        metrics["output_sequence_length"] = {"value": tokens, "unit": "tokens"}
        metrics["time_to_first_token"] = ttft or {"value": 20.0, "unit": "ms"}
        metrics["request_latency"] = {"value": last_ms, "unit": "ms"}
    failed = {} if error is None else {"error": error}
    return json.dumps({"metadata": {**above, **metadata}, "metrics": metrics, **failed})


def inference_perf_request(at: float, *, error: Any = None, usage: Any = None, **info: Any) -> dict[str, Any]:
    """A request that was sent so many s after the client's clock began, its last token after 2 s, the end after 3 s."""
    metrics = {"output_tokens": 3, "server_usage": usage, "output_token_times": [at + 0.5, at + 1, at + 2]}
    said = {"request_metrics": {"text": {"input_tokens": 80}}, "response_metrics": metrics, "input_tokens": 80, **info}
    return {"start_time": at, "end_time": at + 3, "request": "{}", "response": "", "info": said, "error": error}


def genai_perf_request(at_ms: int, tokens: int | None = 3, *, streamed: bool = True, **inputs: Any) -> dict[str, Any]:
    """A request that was sent so many ms after START, with tokens 20 and 100 ms later; None: nobody counted."""
    usage = None if tokens is None else {"prompt_tokens": 40, "completion_tokens": tokens}
    parts = [{"delta": {"role": "assistant", "content": ""}}, {"delta": {"content": "a"}}, {"delta": {"content": "b"}}]
    events = [{"choices": [part], "object": "chat.completion.chunk"} for part in parts] + [
        {"choices": [], "usage": usage}
    ]
    texts = [*(f"data: {json.dumps(event)}\n\n" for event in events), "data: [DONE]\n\n"]
    after_ms = [10, 20, 100, 110, 120]
    if not streamed:
        whole = {"object": "chat.completion", "choices": [{"message": {"content": "ab"}}], "usage": usage}
        texts, after_ms = [json.dumps(whole)], [100]
    start = START * 10**9 + at_ms * 10**6
    return {
        "timestamp": start,
        "request_inputs": {"payload": '{"messages": []}', **inputs},
        "response_timestamps": [start + after * 10**6 for after in after_ms],
        "response_outputs": [{"response": text} for text in texts],
    }


def genai_perf(path: Path, *experiments: list[dict[str, Any]]) -> Path:
    """A file of experiments with these requests."""
    runs = [
        {"experiment": {"mode": "request_rate", "value": 2}, "requests": rows, "window_boundaries": []}
        for rows in experiments
    ]
    path.write_text(json.dumps({"service_kind": "openai", "endpoint": "x", "experiments": runs, "version": "2.50.0"}))
    return path
