"""Results that have no requests are refused by their name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from blis.errors import InputError
from blis.workload.read.trace_formats import detect_format
from blis.workload.recorded.read import read_log
from blis.workload.source import load_workload, requests_of
from tests.blis.workload.read.test_servegen import EARLY, chunk

VLLM = {"backend": "vllm", "num_prompts": 10, "request_throughput": 2.5, "total_input_tokens": 10, "mean_ttft_ms": 31.0}


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
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_results_without_requests(tmp_path: Path, read, document, said, indent):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(document, indent=indent))
    with pytest.raises(InputError) as found:
        read(path)
    assert str(found.value).startswith(f"{path}: {said}")


def test_rates_are_not_requests_and_what_to_write_instead_draws_from_them(tmp_path: Path):
    chunk(tmp_path / "data", 1, ["0,2,1,"], {"0": EARLY})
    with pytest.raises(InputError) as found:
        detect_format(tmp_path / "data")
    first, second = re.findall("`([^`]*)`", str(found.value))[1:]
    (tmp_path / "w.yaml").write_text(f"{first}\n{second}\n")
    assert len(requests_of(load_workload(tmp_path / "w.yaml"), n=50)) == 50
