"""Results of inference-perf: arrivals, whose count of tokens counts, failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.workload.recorded.inference_perf import load_inference_perf
from tests.blis.workload.recorded.logs import refused
from tests.blis.workload.recorded.results import inference_perf_request


def read(folder: Path, *rows):
    (folder / "p.json").write_text(json.dumps(rows))
    return load_inference_perf(folder / "p.json")


def test_requests_arrive_at_their_start_time(tmp_path: Path):
    found = read(tmp_path, inference_perf_request(7.5), inference_perf_request(7.25))
    assert found.requests.request_ids == ("request_1", "request_0")
    assert found.requests.arrival_us.tolist() == [0, 250_000]
    assert found.ttft_us.tolist() == [500_000] * 2 and found.e2e_us.tolist() == [2_000_000] * 2
    assert found.requests.input_tokens.tolist() == [80] * 2 and found.requests.output_tokens.tolist() == [3] * 2


def test_every_request_keeps_its_own_times_and_lengths(tmp_path: Path):
    asked = [(9.5, 120, [9.75, 10, 14]), (2.25, 7, [2.5]), (4.0, 900, [6, 7])]  # at, tokens, when answers came
    rows = [
        {
            "start_time": at, "end_time": times[-1] + 1, "error": None,
            "info": {
                "input_tokens": tokens, "response_metrics": {"output_tokens": len(times), "output_token_times": times}
            },
        }
        for at, tokens, times in asked
    ]  # fmt: skip
    found = read(tmp_path, *rows)
    assert found.requests.request_ids == ("request_1", "request_2", "request_0")
    assert found.requests.arrival_us.tolist() == [0, 1_750_000, 7_250_000]
    assert found.requests.input_tokens.tolist() == [7, 900, 120] and found.requests.output_tokens.tolist() == [1, 2, 3]
    assert found.ttft_us.tolist() == [250_000, 2_000_000, 250_000]
    assert found.e2e_us.tolist() == [250_000, 3_000_000, 4_500_000]


def test_the_servers_count_of_tokens_counts(tmp_path: Path):
    old = inference_perf_request(2, response_metrics=None, output_tokens=9, output_token_times=[2.5, 4])
    found = read(tmp_path, inference_perf_request(0, usage={"completion_tokens": 7}), inference_perf_request(1), old)
    assert found.requests.output_tokens.tolist() == [7, 3, 9]
    assert found.ttft_us.tolist() == [500_000] * 3


def test_failures_are_counted(tmp_path: Path):
    failed = inference_perf_request(1, error={"error_type": "x"}, response_metrics=None, input_tokens=None)
    assert read(tmp_path, inference_perf_request(0), failed, {**failed, "info": {"input_tokens": 0}}).failed == 2


def test_answers_that_were_not_streamed_are_said(tmp_path: Path):
    found = read(tmp_path, inference_perf_request(0, response_metrics={"output_tokens": 3}))
    assert found.e2e_us.tolist() == [3_000_000] and not found.streamed.any()
    assert found.notes == ("1 answers were not streamed: of them only the end is known, no first token",)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "a JSON list of requests is expected"),
        ([3], "a JSON list of requests is expected"),
        (
            [inference_perf_request(0, input_tokens=None)],
            "item 0: column info.input_tokens: None is no number",
        ),
        ([inference_perf_request(0, input_tokens=0)], "item 0: column info.input_tokens: 0 is no number of tokens"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, rows, said):
    (tmp_path / "p.json").write_text(json.dumps(rows))
    refused(load_inference_perf, tmp_path / "p.json", said)
