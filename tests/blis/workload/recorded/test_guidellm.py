"""Results of guidellm: the successful group of every benchmark, without what warmed up, old names and new."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.workload.recorded.guidellm import load_guidellm
from tests.blis.workload.recorded.logs import refused
from tests.blis.workload.recorded.results import START, guidellm, guidellm_request


def test_only_successful_requests_of_all_benchmarks_are_read(tmp_path: Path):
    found = load_guidellm(
        guidellm(tmp_path / "b.json", [guidellm_request(0), guidellm_request(3)], [guidellm_request(9)], others=2)
    )
    assert found.requests.arrival_us.tolist() == [0, 3_000_000, 9_000_000]
    assert found.ttft_us.tolist() == [500_000] * 3 and found.e2e_us.tolist() == [2_000_000] * 3
    assert found.requests.input_tokens.tolist() == [100] * 3 and found.requests.output_tokens.tolist() == [4] * 3
    assert found.notes == ("4 requests were not successful and are left out",)
    assert found.client_side and not found.warm_up.any()


def test_every_request_keeps_its_own_times_and_lengths(tmp_path: Path):
    asked = [(0.25, 120, 9, 0.1, 1.5), (4.0, 7, 1, 0.3, 0.3), (1.5, 900, 33, 0.75, 8.0)]  # at, in, out, first, last
    rows = [
        guidellm_request(
            at, prompt_tokens=tokens, output_tokens=answer, request_end_time=START + at + last + 1,
            info={"timings": {"first_token_iteration": START + at + first, "last_token_iteration": START + at + last}},
        )
        for at, tokens, answer, first, last in asked
    ]  # fmt: skip
    found, order = load_guidellm(guidellm(tmp_path / "b.json", rows)), (0, 2, 1)
    assert found.requests.request_ids == tuple(f"request_{row}" for row in order)
    for column, expected in (
        (found.requests.arrival_us, [(asked[row][0] - 0.25) * 1e6 for row in order]),
        (found.requests.input_tokens, [asked[row][1] for row in order]),
        (found.requests.output_tokens, [asked[row][2] for row in order]),
        (found.ttft_us, [asked[row][3] * 1e6 for row in order]),
        (found.e2e_us, [asked[row][4] * 1e6 for row in order]),
    ):
        assert column.tolist() == pytest.approx(expected, abs=1)


def test_requests_before_the_measurement_warmed_up(tmp_path: Path):
    path = guidellm(
        tmp_path / "b.json",
        [guidellm_request(0), guidellm_request(3)],
        scheduler_metrics={"measure_start_time": START + 1.0},
    )
    assert load_guidellm(path).warm_up.tolist() == [True, False]


def test_the_names_of_older_releases(tmp_path: Path):
    old = {
        "start_time": START + 1, "end_time": START + 4, "first_token_time": START + 2, "last_token_time": START + 3,
        "prompt_tokens": 7, "output_tokens": 2,
    }  # fmt: skip
    found = load_guidellm(guidellm(tmp_path / "b.json", [old]))
    assert found.ttft_us.tolist() == [1_000_000] and found.e2e_us.tolist() == [2_000_000]


def test_answers_that_were_not_streamed_are_said(tmp_path: Path):
    row = guidellm_request(0, info={"timings": {"first_token_iteration": None}})
    found = load_guidellm(guidellm(tmp_path / "b.json", [row]))
    assert found.e2e_us.tolist() == [3_000_000] and not found.streamed.any()
    assert found.notes == ("1 answers were not streamed: of them only the end is known, no first token",)


def test_turns_of_a_conversation(tmp_path: Path):
    rows = [guidellm_request(at, info={"conversation_id": name, "timings": {}}) for at, name in enumerate("aba")]
    table = load_guidellm(guidellm(tmp_path / "b.json", rows)).requests
    assert table.session_names == ("a", "b")
    assert table.session.tolist() == [0, 1, 0] and table.round.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "none of 1 requests was successful"),
        (
            [guidellm_request(0, prompt_tokens=None)],
            "benchmarks: item 0: requests.successful: item 0: column prompt_tokens: None is not a whole number",
        ),
        ([guidellm_request(0, request_end_time="x")], "column request_end_time: 'x' is not a time in s"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, rows, said):
    refused(load_guidellm, guidellm(tmp_path / "b.json", rows, others=1), said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "a JSON object with a list of benchmarks"),
        ('{"benchmarks": [{"requests": null}]}', "benchmarks: item 0: no list requests.successful"),
    ],
)
def test_a_file_without_requests_is_refused(tmp_path: Path, text, said):
    (tmp_path / "b.json").write_text(text)
    refused(load_guidellm, tmp_path / "b.json", said)
