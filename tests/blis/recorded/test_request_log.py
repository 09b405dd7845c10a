"""Request logs: what is read, what stands beside them, and one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from blis.recorded.recording import Server
from blis.recorded.request_log import load_request_log, load_results
from tests.blis.recorded.logs import META, RESULTS, ROWS, refused, request_log


def test_rows_in_order_of_arrival_on_a_clock_that_begins_with_the_first(tmp_path: Path):
    found = load_request_log(request_log(tmp_path))
    assert found.requests.request_ids == ("a", "b", "c")
    assert found.requests.arrival_us.tolist() == [0, 250_000, 2_000_000]
    assert found.requests.input_tokens.tolist() == [100, 50, 7]
    assert found.scheduled_us is not None and found.scheduled_us.tolist() == [0, 350_000, 2_000_000]
    assert found.ttft_us.tolist() == [250_000, 250_000, 250_000]
    assert found.e2e_us.tolist() == [250_000, 500_000, 750_000]
    assert np.isnan(found.tpot_us[0]) and found.tpot_us[1:].tolist() == [125_000, 500_000]
    assert not found.client_side and found.server == Server() and found.timeline is None


def test_without_scheduled_times_nobody_knows_them(tmp_path: Path):
    rows = [{**ROWS[0], "scheduled_ts": None}, *ROWS[1:]]
    assert load_request_log(request_log(tmp_path, rows)).scheduled_us is None


def test_what_the_engine_was_started_with(tmp_path: Path):
    (tmp_path / "x.meta.json").write_text(json.dumps(META))
    assert load_request_log(request_log(tmp_path)).server == Server(
        model="org/model",
        gpu="NVIDIA H100 80GB HBM3",
        tp=2,
        vllm="0.19.0",
        max_running=64,
        max_scheduled_tokens=4096,
        kv_blocks=900,
        block_size_tokens=32,
        async_scheduling=False,
    )


def test_files_beside_a_log_without_a_name(tmp_path: Path):
    request_log(tmp_path).rename(tmp_path / "requests.jsonl")
    (tmp_path / "meta.json").write_text(
        json.dumps({"model": "m", "engine_kwargs": {"max_num_seqs": None, "max_model_len": -1}})
    )
    assert load_request_log(tmp_path / "requests.jsonl").server == Server(model="m")


def test_what_the_engine_said_of_itself(tmp_path: Path):
    (tmp_path / "x.timeseries.csv").write_text("t,running,waiting,kv_cache_pct,more\n2.0,5,1,30,x\n1.0,4,0,12.5,x\n")
    moments = load_request_log(request_log(tmp_path)).timeline
    assert moments is not None and moments["time_us"].tolist() == [1_000_000, 2_000_000]
    assert moments["running"].tolist() == [4, 5] and moments["kv_share"].tolist() == [0.125, 0.3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"input_toks": 0}, "line 2: input_toks: 0 is not a whole number in [1, 1000000000]"),
        ({"input_toks": 10.0}, "line 2: input_toks: 10.0 is not a whole number"),
        ({"output_toks": "3"}, "line 2: output_toks: '3' is not a whole number"),
        ({"output_toks": 10**12}, "line 2: output_toks: 1000000000000 is not a whole number"),
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
        ('{"request_id": "a", "input_tokens": 3}\n', "line 1: key 'input_toks' is missing (is it 'input_tokens'?)"),
        ('{"request_id": "a", "request_id": "b"}\n', "line 1: not valid JSON: duplicate key"),
        ('{"queued_ts": NaN}\n', "line 1: not valid JSON: NaN"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text, said):
    path = tmp_path / "x.requests.jsonl"
    path.write_text(text)
    refused(load_request_log, path, said)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.meta.json", "[]", "x.meta.json: a JSON object is expected"),
        ("x.meta.json", '{"model": 3}', "x.meta.json: model: 3 is not a text"),
        ("x.meta.json", '{"kv_cache": []}', "x.meta.json: kv_cache: [] is not a JSON object"),
        ("x.meta.json", '{"kv_cache": {"block_size": "16"}}', "block_size: '16' is not a whole number"),
        ("x.meta.json", '{"engine_kwargs": {"max_num_seqs": 1e9}}', "max_num_seqs: 1000000000.0 is not a whole number"),
        (
            "x.meta.json",
            '{"engine_kwargs": {"max_num_seqs": 2147483648}}',
            "max_num_seqs: 2147483648 is not a whole number",
        ),
        ("x.meta.json", '{"resolved_config": {"scheduler_config": {"async_scheduling": 1}}}', "1 is not true or false"),
        ("x.meta.json", "{", "x.meta.json: not valid JSON"),
        (
            "x.timeseries.csv",
            "t,running,waiting\n1,2,3\n",
            "x.timeseries.csv: line 1: column 'kv_cache_pct' is missing",
        ),
        ("x.timeseries.csv", "t,running,waiting,kv_cache_pct\n1,2,nan,3\n", "line 2: column waiting: 'nan' must be"),
        (
            "x.timeseries.csv",
            "t,running,waiting,kv_cache_pct\n1,2,3,101\n",
            "line 2: column kv_cache_pct: '101' must be",
        ),
    ],
)
def test_a_wrong_file_beside_a_log_is_named(tmp_path: Path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"^[^\n]+$") as found:
        load_request_log(request_log(tmp_path))
    assert said in str(found.value) and str(tmp_path) in str(found.value)


def test_results_of_a_run_are_a_recording(tmp_path: Path):
    path = tmp_path / "r.csv"
    path.write_text(RESULTS)
    found = load_results(path)
    assert found.requests.request_ids == ("x", "z") and found.failed == 1
    assert found.ttft_us.tolist() == [100, 150] and found.e2e_us.tolist() == [300, 150]
    assert found.scheduled_us is not None and found.scheduled_us.tolist() == [10, 2000]
    assert [found.requests.slo_names[number] for number in found.requests.slo_class] == ["fast", "slow"]


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
