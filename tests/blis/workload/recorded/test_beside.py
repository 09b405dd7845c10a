"""What stands beside a request log, and one line for what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.errors import InputError
from blis.workload.recorded.read import read_log
from blis.workload.recorded.recording import Server
from blis.workload.recorded.request_log import load_request_log
from tests.blis.workload.recorded.logs import META, RESULTS, STEPS, bench, request_log, trace


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
        instances=1,
    )


def test_files_beside_a_log_without_a_name(tmp_path: Path):
    request_log(tmp_path).rename(tmp_path / "requests.jsonl")
    (tmp_path / "meta.json").write_text(
        json.dumps({"model": "m", "engine_kwargs": {"max_num_seqs": None, "max_model_len": -1}})
    )
    assert load_request_log(tmp_path / "requests.jsonl").server == Server(model="m", instances=1)


@pytest.mark.parametrize("name", ["plain.jsonl", "steps.csv", "r.csv", "bench.json", "t.csv"])
def test_a_log_of_any_name_and_format_may_have_one(tmp_path: Path, name: str):
    if name == "plain.jsonl":
        request_log(tmp_path).rename(tmp_path / name)
    bench(tmp_path)
    trace(tmp_path, {"request_id": 1})
    (tmp_path / "steps.csv").write_text(STEPS)
    (tmp_path / "r.csv").write_text(RESULTS)
    (tmp_path / f"{name.split('.')[0]}.meta.json").write_text(json.dumps(META))
    found = read_log(tmp_path / name).server
    assert (found.gpu, found.vllm, found.max_scheduled_tokens) == ("NVIDIA H100 80GB HBM3", "0.19.0", 4096)


def test_what_the_log_says_itself_counts(tmp_path: Path):
    trace(tmp_path, {"request_id": 1})
    (tmp_path / "t.meta.json").write_text(json.dumps(META | {"model": "other", "engine_kwargs": {"max_num_seqs": 7}}))
    found = read_log(tmp_path / "t.csv").server
    assert (found.model, found.max_running, found.kv_blocks) == ("org/model", 64, 900)


def test_what_the_engine_said_of_itself(tmp_path: Path):
    (tmp_path / "x.timeseries.csv").write_text("t,running,waiting,kv_cache_pct,more\n2.0,5,1,30,x\n1.0,4,0,12.5,x\n")
    moments = load_request_log(request_log(tmp_path)).timeline
    assert moments is not None and moments["time_us"].tolist() == [1_000_000, 2_000_000]
    assert moments["running"].tolist() == [4, 5] and moments["kv_share"].tolist() == [0.125, 0.3]


def test_how_many_engines_answered_a_client(tmp_path: Path):
    def known() -> int:
        return read_log(tmp_path / "t.csv").server.instances

    trace(tmp_path, {"request_id": 1})
    assert known() == 0
    (tmp_path / "t.timeseries.csv").write_text("t,running,waiting,kv_cache_pct\n1.0,4,0,12.5\n")
    assert known() == 0
    (tmp_path / "t.meta.json").write_text(json.dumps({"engine_kwargs": {"data_parallel_size": 2}}))
    assert known() == 2
    (tmp_path / "t.timeseries.csv").write_text("t,running,waiting,kv_cache_pct,engines\n1,4,0,12,3\n2,4,0,12,4\n")
    assert known() == 4


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
            "2147483648 is not below 2147483648",
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
