"""Small logs of every format, as texts that tests change before they write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from blis.errors import InputError
from blis.workload.recorded.recording import Recording
from blis.workload.recorded.trace_v2 import COLUMNS

#: Three requests of a request log, on an engine's clock that began long before.
ROWS = (
    {"request_id": "b", "input_toks": 50, "output_toks": 3, "arrival_time": 9e9, "queued_ts": 1000.5,
     "scheduled_ts": 1000.6, "first_token_ts": 1000.75, "last_token_ts": 1001.0},
    {"request_id": "a", "input_toks": 100, "output_toks": 1, "queued_ts": 1000.25,
     "scheduled_ts": 1000.25, "first_token_ts": 1000.5, "last_token_ts": 1000.5},
    {"request_id": "c", "input_toks": 7, "output_toks": 2, "queued_ts": 1002.25,
     "scheduled_ts": 1002.25, "first_token_ts": 1002.5, "last_token_ts": 1003.0},
)  # fmt: skip

META = {
    "model": "org/model", "vllm_version": "0.19.0", "hardware": {"device_name": "NVIDIA H100 80GB HBM3"},
    "engine_kwargs": {"tensor_parallel_size": 2, "max_num_seqs": 64, "max_num_batched_tokens": 4096},
    "kv_cache": {"num_gpu_blocks": 900, "block_size": 32},
    "resolved_config": {"scheduler_config": {"async_scheduling": False}},
}  # fmt: skip

BENCH: dict[str, Any] = {
    "model_id": "org/model", "backend": "vllm", "version": "0.19.0",
    "input_lens": [10, 20, 30], "output_lens": [3, 1, 0], "ttfts": [0.5, 0.25, 0.0],
    "itls": [[0.25, 0.5], [], []], "start_times": [7.5, 7.0, 8.0], "errors": ["", "", "Bad Gateway"],
}  # fmt: skip

HEADER = """\
trace_version: 2
time_unit: microseconds
mode: real
warm_up_requests: 1
server: {type: vllm, model: org/model, tensor_parallel: 2, max_num_seqs: 64, block_size: 32, max_model_len: 5000}
network: {measured_rtt_ms: 1.5}
"""

#: What the cells of a trace are unless a test says otherwise.
CELLS: Mapping[str, object] = {
    **dict.fromkeys(COLUMNS, ""), "streaming": "true", "input_tokens": 10, "output_tokens": 3, "num_chunks": 3,
    "arrival_time_us": 0, "send_time_us": 1_700_000_000_000_000, "first_chunk_time_us": 1_700_000_000_000_100,
    "last_chunk_time_us": 1_700_000_000_000_300, "status": "ok", "round_index": 0, "reason_ratio": 0,
}  # fmt: skip

RESULTS = """\
request_id,status,arrival_us,input_tokens,output_tokens,ttft_us,e2e_us,scheduled_us,slo_class
x,completed,5000,10,3,100,300,5010,fast
y,rejected,6000,10,3,,,,fast
z,completed,7000,20,1,150,150,7000,slow
"""

STEPS = "duration_us,prefill_tokens,decodes\n5000,100,0\n6000,0,3\n"


def request_log(folder: Path, rows: Sequence[Mapping[str, Any]] = ROWS) -> Path:
    """A request log of its own name."""
    path = folder / "x.requests.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def log_rows(recording: Recording) -> list[dict[str, Any]]:
    """A recording as rows of a request log."""
    requests, scheduled = recording.requests, recording.scheduled_us
    assert scheduled is not None
    return [
        {
            "request_id": requests.request_id(row),
            "input_toks": int(requests.input_tokens[row]),
            "output_toks": int(requests.output_tokens[row]),
            "queued_ts": int(requests.arrival_us[row]) / 1e6,
            "scheduled_ts": int(scheduled[row]) / 1e6,
            "first_token_ts": int(recording.first_token_us[row]) / 1e6,
            "last_token_ts": int(recording.completed_us[row]) / 1e6,
        }
        for row in range(len(recording))
    ]


def bench(folder: Path, **changes: Any) -> Path:
    """A detailed result of `vllm bench serve`; a column that is None is not there."""
    path = folder / "bench.json"
    path.write_text(json.dumps({key: value for key, value in (BENCH | changes).items() if value is not None}))
    return path


def trace(folder: Path, *rows: Mapping[str, object], header: str = HEADER, columns: Sequence[str] = COLUMNS) -> Path:
    """A trace v2; gives the path of its rows."""
    (folder / "t.yaml").write_text(header)
    lines = [",".join(str((CELLS | row)[name]) for name in columns) for row in rows]
    path = folder / "t.csv"
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


def refused(load: Callable[[Path], object], path: Path, said: str) -> None:
    """Loading must fail with one line that names the file and says this."""
    with pytest.raises(InputError) as found:
        load(path)
    text = str(found.value)
    assert said in text and text.startswith((str(path), str(path.with_suffix(".yaml")), path.name)), text
