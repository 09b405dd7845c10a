"""Request logs and results: what is read, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from blis.workload.recorded.recording import Server
from blis.workload.recorded.request_log import load_request_log, load_results
from tests.blis.workload.recorded.logs import RESULTS, ROWS, refused, request_log


def test_rows_in_order_of_arrival_on_a_clock_that_begins_with_the_first(tmp_path: Path):
    found = load_request_log(request_log(tmp_path))
    assert found.requests.request_ids == ("a", "b", "c")
    assert found.requests.arrival_us.tolist() == [0, 250_000, 2_000_000]
    assert found.requests.input_tokens.tolist() == [100, 50, 7]
    assert found.scheduled_us is not None and found.scheduled_us.tolist() == [0, 350_000, 2_000_000]
    assert found.ttft_us.tolist() == [250_000, 250_000, 250_000]
    assert found.e2e_us.tolist() == [250_000, 500_000, 750_000]
    assert np.isnan(found.tpot_us[0]) and found.tpot_us[1:].tolist() == [125_000, 500_000]
    assert not found.client_side and found.server == Server(instances=1) and found.timeline is None


def test_without_scheduled_times_nobody_knows_them(tmp_path: Path):
    rows = [{**ROWS[0], "scheduled_ts": None}, *ROWS[1:]]
    assert load_request_log(request_log(tmp_path, rows)).scheduled_us is None


@pytest.mark.parametrize(
    "change",
    [
        {"first_token_ts": None, "last_token_ts": None},
        {"first_token_ts": None, "last_token_ts": None, "scheduled_ts": None, "output_toks": 0},
        {"last_token_ts": None},
        {"output_toks": 0},
        {"output_toks": None},
    ],
)
def test_requests_without_an_answer_have_failed(tmp_path: Path, change):
    found = load_request_log(request_log(tmp_path, [ROWS[0] | change, *ROWS[1:]]))
    assert found.requests.request_ids == ("a", "c") and (found.failed, found.invalid) == (1, 0)
    assert found.ttft_us.tolist() == [250_000, 250_000] and found.scheduled_us is not None
    assert found.notes == ("1 requests got no answer and are left out, 'b' first",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input_toks": 0}, "line 2: input_toks: 0 is not a whole number in [1, 1000000000]"),
        ({"input_toks": 10.0}, "line 2: input_toks: 10.0 is not a whole number"),
        ({"output_toks": "3"}, "line 2: output_toks: '3' is not a whole number"),
        ({"output_toks": 10**12}, "line 2: output_toks: 1000000000000 is not a whole number"),
        ({"output_toks": -1}, "line 2: output_toks: -1 is not a whole number in [0, 1000000000]"),
        ({"output_toks": False}, "line 2: output_toks: False is not a whole number"),
        ({"queued_ts": None}, "line 2: queued_ts: None is not a time in s >= 0"),
        ({"queued_ts": True}, "line 2: queued_ts: True is not a time"),
        ({"last_token_ts": -1}, "line 2: last_token_ts: -1 is not a time"),
        ({"first_token_ts": 1e300}, "line 2: first_token_ts: 1e+300 is not a time"),
        ({"scheduled_ts": "now"}, "line 2: scheduled_ts: 'now' is not a time"),
        ({"request_id": ["a"]}, "line 2: request_id: ['a'] is neither a name nor a number"),
        ({"request_id": "b"}, "request 'b' is there 2 times"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, change, said):
    refused(load_request_log, request_log(tmp_path, [ROWS[0], ROWS[1] | change, ROWS[2]]), said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty file"),
        ("\n \n", "empty file"),
        ("[1]\n", "line 1: a JSON object is expected, got '[1]'"),
        ("\n{\n", "line 2: not valid JSON"),
        ('{"request_id": "a", "input_tokens": 3}\n', "line 1: keys 'input_toks' (is it 'input_tokens'?), 'output"),
        ('{"request_id": "a", "request_id": "b"}\n', "line 1: not valid JSON: duplicate key"),
        ('{"queued_ts": NaN}\n', "line 1: not valid JSON: NaN"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text, said):
    path = tmp_path / "x.requests.jsonl"
    path.write_text(text)
    refused(load_request_log, path, said)


def test_results_of_a_run_are_a_recording(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text(RESULTS)
    found = load_results(path)
    assert found.requests.request_ids == ("x", "z") and found.failed == 1
    assert found.ttft_us.tolist() == [100, 150] and found.e2e_us.tolist() == [300, 150]
    assert found.scheduled_us is not None and found.scheduled_us.tolist() == [10, 2000]
    assert [found.requests.slo_names[number] for number in found.requests.slo_class] == ["fast", "slow"]


def test_results_say_what_their_instance_was_started_with(tmp_path: Path):
    def server(*cells: str) -> Server:
        heading, *lines = RESULTS.splitlines()
        heading += ",instance,engine,max_running,kv_blocks"
        lines = [f"{line},{more}" for line, more in zip(lines, cells, strict=True)]
        (tmp_path / "r.csv").write_text("\n".join([heading, *lines]) + "\n")
        return load_results(tmp_path / "r.csv").server

    assert server("0,original,8,300", ",,,", "0,original,8,300") == Server(
        engine="original", instances=1, max_running=8, kv_blocks=300
    )
    assert server("0,original,8,300", ",,,", "2,vllm-2026,8,200") == Server(instances=2, max_running=8)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("x,completed,5000", "x,completed,", "line 2: column arrival_us: '' must be a time"),
        ("x,completed,5000", "x,completed,early", "line 2: column arrival_us: 'early' is not a whole number"),
        ("100,300", "1.5,300", "line 2: column ttft_us: '1.5' is not a whole number"),
        ("100,300", "100," + "9" * 30, "line 2: column e2e_us"),
        ("5000,10,3", "5000,0,3", "line 2: column input_tokens: '0' must be >= 1"),
        ("z,completed", "x,completed", "request 'x' is there 2 times"),
        (",ttft_us", ",ttft", "line 1: column 'ttft_us' is missing (is it 'ttft'?)"),
        ("completed", "running", "no request was answered"),
        ("y,rejected", "y", "line 3: 8 columns, but the header has 9"),
    ],
)
def test_wrong_results_are_named(tmp_path: Path, old, new, said):
    path = tmp_path / "r.csv"
    path.write_text(RESULTS.replace(old, new))
    refused(load_results, path, said)
