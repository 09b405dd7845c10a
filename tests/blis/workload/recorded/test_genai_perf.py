"""Results of genai-perf: times of tokens, who counted them, events in pieces, ids of tokens, conversations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.workload.recorded.genai_perf import load_genai_perf
from tests.blis.workload.recorded.logs import refused
from tests.blis.workload.recorded.results import genai_perf, genai_perf_request


def test_requests_of_all_experiments_row_by_row(tmp_path: Path):
    path = genai_perf(
        tmp_path / "p.json", [genai_perf_request(0, 5), genai_perf_request(30, 6)], [genai_perf_request(900, 2)]
    )
    found = load_genai_perf(path)
    assert found.requests.request_ids == ("request_0", "request_1", "request_2")
    assert found.requests.arrival_us.tolist() == [0, 30_000, 900_000]
    assert found.requests.input_tokens.tolist() == [40] * 3 and found.requests.output_tokens.tolist() == [5, 6, 2]
    assert found.ttft_us.tolist() == [20_000] * 3 and found.e2e_us.tolist() == [100_000] * 3
    assert found.notes == () and found.client_side


def test_an_answer_that_came_at_once_has_no_first_token(tmp_path: Path):
    found = load_genai_perf(genai_perf(tmp_path / "p.json", [genai_perf_request(0, streamed=False)]))
    assert found.ttft_us.tolist() == found.e2e_us.tolist() == [100_000]
    assert found.notes == ("1 answers have no time of a first token: taken to have come with the last",)


def test_an_answer_may_be_written_in_lines(tmp_path: Path):
    row = genai_perf_request(0, 9, streamed=False)
    row["response_outputs"][0]["response"] = json.dumps(json.loads(row["response_outputs"][0]["response"]), indent=2)
    assert load_genai_perf(genai_perf(tmp_path / "p.json", [row])).requests.output_tokens.tolist() == [9]


def test_events_in_pieces_are_put_together(tmp_path: Path):
    row = genai_perf_request(0, 7)
    text = row["response_outputs"][3]["response"]
    row["response_outputs"][3:4] = [{"response": text[:25]}, {"response": text[25:]}]
    row["response_timestamps"].insert(3, row["response_timestamps"][3])
    assert load_genai_perf(genai_perf(tmp_path / "p.json", [row])).requests.output_tokens.tolist() == [7]


def test_ids_of_tokens_are_counted(tmp_path: Path):
    row = genai_perf_request(0, None, input_ids=[5, 6, 7, 8])
    row["response_outputs"] = [{"output_ids": ids} for ids in ([1], 2, "", [3, 4], [])]
    found = load_genai_perf(genai_perf(tmp_path / "p.json", [row]))
    assert found.requests.input_tokens.tolist() == [4] and found.requests.output_tokens.tolist() == [4]


def test_who_got_no_answer_is_counted(tmp_path: Path):
    nothing = {**genai_perf_request(1), "response_timestamps": [], "response_outputs": []}
    rows = [genai_perf_request(0), nothing, genai_perf_request(2, None)]
    assert load_genai_perf(genai_perf(tmp_path / "p.json", rows)).failed == 2


def test_turns_of_a_conversation(tmp_path: Path):
    rows = [genai_perf_request(at, session_id=name) for at, name in enumerate("aba")]
    table = load_genai_perf(genai_perf(tmp_path / "p.json", rows)).requests
    assert table.session.tolist() == [0, 1, 0] and table.round.tolist() == [0, 0, 1]


def test_without_numbers_of_tokens_it_says_what_to_do(tmp_path: Path):
    path = genai_perf(tmp_path / "p.json", [genai_perf_request(0, None), genai_perf_request(5, None)])
    refused(load_genai_perf, path, "no response has a `usage`, and genai-perf counts no tokens: measure without")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "a JSON object with a list of experiments is expected"),
        ({"experiments": [{"requests": None}]}, "experiments: item 0: no list of requests"),
        ({"experiments": []}, "no requests"),
        (
            {"experiments": [{"requests": [{**genai_perf_request(0), "timestamp": "x"}]}]},
            "experiments: item 0: requests: item 0: column timestamp: 'x' is not a time in ns",
        ),
        (
            {"experiments": [{"requests": [{**genai_perf_request(0), "response_timestamps": [1]}]}]},
            "requests: item 0: response_timestamps and response_outputs must be lists of one length",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, document, said):
    (tmp_path / "p.json").write_text(json.dumps(document))
    refused(load_genai_perf, tmp_path / "p.json", said)
