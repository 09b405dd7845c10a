"""Detailed results of vLLM's benchmark: chunks and tokens, failures, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blis.workload.recorded.vllm_bench import load_vllm_bench
from tests.blis.workload.recorded.logs import BENCH, bench, refused


def test_answers_by_start_time_and_who_failed_is_counted(tmp_path: Path):
    found = load_vllm_bench(bench(tmp_path))
    assert found.requests.request_ids == ("request_1", "request_0") and found.failed == 1
    assert found.requests.arrival_us.tolist() == [0, 500_000]
    assert found.ttft_us.tolist() == [250_000, 500_000] and found.e2e_us.tolist() == [250_000, 1_250_000]
    assert np.isnan(found.tpot_us[0]) and found.tpot_us[1] == 375_000
    assert found.client_side and found.server.model == "org/model"
    assert found.notes == ("1 requests got no answer and are left out, 'request_2' first",)


def test_several_tokens_a_chunk_count_by_their_time_and_are_said(tmp_path: Path):
    found = load_vllm_bench(bench(tmp_path, output_lens=[6, 1, 0]))
    assert found.e2e_us.tolist() == [250_000, 1_250_000] and found.tpot_us[1] == 150_000
    assert "1 of 2 answers came in fewer chunks than they have tokens" in found.notes


def test_a_gap_for_each_token_means_that_the_first_chunk_had_none(tmp_path: Path):
    found = load_vllm_bench(bench(tmp_path, backend="openai-chat", itls=[[0.125, 0.25, 0.5], [], []]))
    assert found.ttft_us.tolist() == [250_000, 625_000] and found.e2e_us[1] == 1_375_000


def test_completions_have_no_first_chunk_without_a_token_but_may_have_such_a_last_one(tmp_path: Path):
    found = load_vllm_bench(bench(tmp_path, itls=[[0.25, 0.5, 0.125], [], []]))
    assert found.ttft_us.tolist() == [250_000, 500_000] and found.e2e_us[1] == 1_250_000


def test_a_chat_of_two_gaps_too_many_has_both(tmp_path: Path):
    found = load_vllm_bench(bench(tmp_path, backend="openai-chat", itls=[[0.125, 0.25, 0.5, 2.0], [], []]))
    assert found.ttft_us.tolist() == [250_000, 625_000] and found.e2e_us[1] == 1_375_000


def test_without_errors_everybody_with_a_token_was_answered(tmp_path: Path):
    assert load_vllm_bench(bench(tmp_path, errors=None)).failed == 1
    assert load_vllm_bench(bench(tmp_path, errors=[])).failed == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backend": None}, "key 'backend' is missing: when first tokens came depends on it"),
        (
            {"version": None},
            "key 'version' is missing: when first tokens came depends on the release of vLLM; ",
        ),
        ({"version": None}, 'or say it in bench.meta.json beside the file: {"vllm_version": "0.19.0"}'),
    ],
)
def test_who_does_not_say_by_which_code_it_was_timed_is_refused(tmp_path: Path, changes, said):
    refused(load_vllm_bench, bench(tmp_path, **changes), said)


def test_backend_and_version_have_other_names_too_and_may_stand_beside(tmp_path: Path):
    path = bench(tmp_path, backend=None, endpoint_type="openai-chat", version=None, vllm_version="0.18.0")
    assert len(load_vllm_bench(path)) == 2
    path = bench(tmp_path, version=None)
    (tmp_path / "bench.meta.json").write_text('{"vllm_version": "0.19.0"}')
    assert len(load_vllm_bench(path)) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_times": None}, "list 'start_times' is missing; write it with --save-detailed and vLLM 0.15 or later"),
        ({"ttfts": None, "mean_ttft_ms": 3}, "list 'ttfts' is missing; write it with --save-detailed"),
        ({"itls": {}}, "list 'itls' is missing"),
        ({"ttfts": []}, "no requests"),
        ({"input_lens": [1, 2]}, "input_lens must be a list of 3 items, as ttfts is, got [1, 2]"),
        ({"errors": ["", "", "", ""]}, "errors must be a list of 3 items"),
        ({"errors": "none"}, "errors must be a list of 3 items"),
        ({"errors": [0, "", ""]}, "errors: item 0: 0 is no text"),
        ({"input_lens": [10, 20.5, 30]}, "input_lens: item 1: 20.5 is not a whole number in [0, 1000000000]"),
        ({"input_lens": [10, 0, 30]}, "input_lens: item 1: 0 tokens, but there is an answer"),
        ({"output_lens": [3, "1", 0]}, "output_lens: item 1: '1' is not a whole number"),
        ({"output_lens": [3, 10**10, 0]}, "output_lens: item 1: 10000000000 is not a whole number"),
        ({"output_lens": [True, 1, 0]}, "output_lens: item 0: True is not a whole number"),
        ({"ttfts": [0.5, -0.25, 0]}, "ttfts: item 1: -0.25 is not a time in s >= 0"),
        ({"start_times": [7, None, 8]}, "start_times: item 1: None is not a time"),
        ({"start_times": [7, 1e300, 8]}, "start_times: item 1: 1e+300 is not a time"),
        ({"itls": [[0.25, "x"], [], []]}, "itls: item 0: [0.25, 'x'] is no list of times"),
        ({"itls": [0.25, [], []]}, "itls: item 0: 0.25 is no list of times"),
        ({"output_lens": [0, 0, 0]}, "no request was answered"),
        ({"start_times": [7.0, 1e9, 8.0]}, "more than a year; are the times in another unit?"),
    ],
)
def test_a_wrong_column_is_named_with_its_item(tmp_path: Path, changes, said):
    refused(load_vllm_bench, bench(tmp_path, **changes), said)


def test_answers_without_gaps_were_not_streamed(tmp_path: Path):
    """But for those of one token, which is the first."""
    found = load_vllm_bench(bench(tmp_path, itls=[[], [], []]))
    assert found.e2e_us.tolist() == [250_000, 500_000] and found.streamed.tolist() == [True, False]
    assert found.notes[0] == "1 answers were not streamed: of them only the end is known, no first token"


@pytest.mark.parametrize("text", ["", "[]", "3", '{"ttfts": NaN}', str(BENCH), "{}{}"])
def test_what_is_no_such_file_is_said_in_one_line(tmp_path: Path, text):
    path = tmp_path / "b.json"
    path.write_text(text)
    refused(load_vllm_bench, path, "JSON")
