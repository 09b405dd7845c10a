"""Results that have no requests are refused by their name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.errors import InputError
from blis.workload.read.trace_formats import detect_format
from blis.workload.recorded.read import read_log

VLLM = {"backend": "vllm", "num_prompts": 10, "request_throughput": 2.5, "total_input_tokens": 10, "mean_ttft_ms": 31.0}
GENAI_REQUEST = {
    "timestamp": 1,
    "request_inputs": {"payload": "{}"},
    "response_timestamps": [2],
    "response_outputs": [],
}


@pytest.mark.parametrize("read", [detect_format, read_log])
@pytest.mark.parametrize(
    ("document", "said"),
    [
        (VLLM, "a result of `vllm bench serve` without its requests; write it with --save-detailed"),
        ({"load_summary": {}, "successes": {}, "failures": {}}, "a summary of inference-perf; per_request"),
        (
            {"input_config": {}, "request_throughput": {}, "time_to_first_token": {}, "request_count": {}},
            "a summary of AIPerf; profile_export.jsonl has the requests",
        ),
        (
            {"service_kind": "openai", "experiments": [{"requests": [GENAI_REQUEST], "window_boundaries": [1]}]},
            "what genai-perf measured, which has no numbers of tokens",
        ),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_results_without_requests(tmp_path: Path, read, document, said, indent):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(document, indent=indent))
    with pytest.raises(InputError) as found:
        read(path)
    assert str(found.value).startswith(f"{path}: {said}")
