"""Results of AIPerf: nanoseconds, phases, failures, conversations."""

from __future__ import annotations

from pathlib import Path

import pytest

from blis.workload.recorded.aiperf import load_aiperf
from tests.blis.workload.recorded.logs import refused
from tests.blis.workload.recorded.results import aiperf_line


def read(folder: Path, *lines: str):
    (folder / "p.jsonl").write_text("\n".join(lines) + "\n")
    return load_aiperf(folder / "p.jsonl")


def test_times_and_lengths(tmp_path: Path):
    found = read(tmp_path, aiperf_line(0), aiperf_line(30))
    assert found.requests.request_ids == ("q0", "q30") and found.requests.arrival_us.tolist() == [0, 30_000]
    assert found.ttft_us.tolist() == [20_000] * 2 and found.e2e_us.tolist() == [100_000] * 2
    assert found.requests.input_tokens.tolist() == [550] * 2 and found.requests.output_tokens.tolist() == [5] * 2


def test_every_request_keeps_its_own_times_and_lengths(tmp_path: Path):
    asked = [(90, 5, 40.5, 200), (0, 7, 10.25, 30), (45, 2, 3, 900)]  # at, tokens of answer, first and last after ms
    lines = [
        aiperf_line(
            at, tokens=tokens, ttft={"value": first, "unit": "ms"},
            last_ms=last, x_correlation_id=f"c{at}",
        ).replace("550", str(100 + at))
        for at, tokens, first, last in asked
    ]  # fmt: skip
    found = read(tmp_path, *lines)
    assert found.requests.request_ids == ("q0", "q45", "q90")
    assert found.requests.arrival_us.tolist() == [0, 45_000, 90_000]
    assert found.requests.input_tokens.tolist() == [100, 145, 190]
    assert found.requests.output_tokens.tolist() == [7, 2, 5]
    assert found.ttft_us.tolist() == [10_250, 3_000, 40_500]
    assert found.e2e_us.tolist() == [30_000, 900_000, 200_000]


def test_the_servers_count_of_tokens_counts(tmp_path: Path):
    usage = '"usage_prompt_tokens": {"value": 560}, "usage_completion_tokens": {"value": 7}, "output_sequence_length"'
    found = read(tmp_path, aiperf_line(0), aiperf_line(1).replace('"output_sequence_length"', usage))
    assert found.requests.input_tokens.tolist() == [550, 560] and found.requests.output_tokens.tolist() == [5, 7]


def test_an_answer_without_a_latency_ends_with_its_stream(tmp_path: Path):
    assert read(tmp_path, aiperf_line(0).replace("request_latency", "other")).e2e_us.tolist() == [1_000_000]


def test_older_releases_say_of_answers_that_they_have_no_error(tmp_path: Path):
    found = read(tmp_path, aiperf_line(0)[:-1] + ', "error": null}', aiperf_line(1, tokens=None, error={"code": 500}))
    assert len(found) == 1 and found.failed == 1


@pytest.mark.parametrize(("value", "unit"), [(0.05, "s"), (50, "ms"), (50_000, "us"), (5e7, "ns")])
def test_the_unit_of_a_metric_is_read(tmp_path: Path, value, unit):
    assert read(tmp_path, aiperf_line(0, ttft={"value": value, "unit": unit})).ttft_us.tolist() == [50_000]


def test_answers_that_were_not_streamed_are_said(tmp_path: Path):
    found = read(tmp_path, aiperf_line(0).replace("time_to_first_token", "other"), aiperf_line(30))
    assert found.e2e_us.tolist() == [100_000] * 2 and found.streamed.tolist() == [False, True]
    assert found.notes == ("1 answers were not streamed: of them only the end is known, no first token",)


def test_warm_up_failures_and_cancellations(tmp_path: Path):
    found = read(
        tmp_path,
        aiperf_line(0, benchmark_phase="warmup"),
        aiperf_line(1),
        aiperf_line(2, tokens=None, error={"code": 499}),
        aiperf_line(3, was_cancelled=True),
    )
    assert found.warm_up.tolist() == [True, False] and found.failed == 2


def test_turns_of_a_conversation(tmp_path: Path):
    lines = [aiperf_line(at, x_correlation_id=name) for at, name in enumerate("aba")]
    table = read(tmp_path, *lines).requests
    assert table.session.tolist() == [0, 1, 0] and table.round.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            aiperf_line(0, ttft={"value": 1, "unit": "minutes"}),
            "time_to_first_token is in minutes, not in one",
        ),
        (aiperf_line(0).replace("550", "null"), "is no number of tokens, but there is an answer"),
        (aiperf_line(0, request_start_ns="x"), "line 1: column metadata.request_start_ns: 'x' is not a time in ns"),
        ('{"metadata": {}}', "line 1: key 'metrics' is missing"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line, said):
    (tmp_path / "p.jsonl").write_text(line)
    refused(load_aiperf, tmp_path / "p.jsonl", said)
