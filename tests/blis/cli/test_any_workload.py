"""Words that stand for workloads."""

from __future__ import annotations

import json

import pytest

from blis.cli.any_workload import any_workload
from blis.errors import InputError
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.traces import TraceSpec
from blis.yaml_strict import dump_yaml
from tests.blis.workload.trace_files import write_mooncake

HEADER = {"trace_version": 2, "time_unit": "microseconds", "mode": "real", "warm_up_requests": 0}


def servegen(folder):
    folder.mkdir()
    (folder / "chunk-0-trace.csv").write_text("0,2.0,1.0,poisson\n60,0.0,1.0,poisson\n")
    (folder / "chunk-0-dataset.json").write_text(
        json.dumps({"0": {"input_tokens": "{100: 1.0}", "output_tokens": "{10: 1.0}"}})
    )
    return folder


def test_names_are_found_wherever_the_command_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert any_workload("two_peaks").name == "two_peaks"


def test_those_in_the_users_folder_come_first(tmp_path, monkeypatch):
    spec = {"name": "mine", "aggregate_rate": 1.0, "num_requests": 1, "clients": [client()]}
    (tmp_path / "conf/workload").mkdir(parents=True)
    dump_yaml(spec, tmp_path / "conf/workload/two_peaks.yaml")
    monkeypatch.chdir(tmp_path)
    assert any_workload("two_peaks").name == "mine"


def client():
    lengths = {"type": "constant", "params": {"value": 5}}
    return {
        "rate_fraction": 1.0,
        "arrival": {"process": "constant"},
        "input_distribution": lengths,
        "output_distribution": lengths,
    }


def test_files_and_folders_are_told_by_what_is_in_them(tmp_path):
    trace = write_mooncake(tmp_path / "t.jsonl", [(0, 10, 1, [1])])
    dump_yaml({"path": str(trace), "first": 3}, tmp_path / "of.yaml")
    dump_yaml(HEADER, tmp_path / "v2.yaml")
    (tmp_path / "sessions").mkdir()
    assert any_workload(str(trace)) == TraceSpec(str(trace))
    assert any_workload(str(tmp_path / "of.yaml")) == TraceSpec(str(trace), first=3)
    assert any_workload(str(tmp_path / "v2.yaml")) == TraceSpec(str(tmp_path / "v2.yaml"), format="trace-v2")
    assert any_workload(str(tmp_path / "sessions")) == TraceSpec(str(tmp_path / "sessions"))
    found = any_workload(str(servegen(tmp_path / "data")))
    assert isinstance(found, WorkloadSpec) and found.aggregate_rate == 2.0


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("two_peak", "unknown workload 'two_peak' (did you mean 'two_peaks'?)"),
        ("trace", "unknown workload 'trace'"),
        ("missing.yaml", "missing.yaml: No such file"),
    ],
)
def test_what_stands_for_nothing_is_refused(word, problem):
    with pytest.raises(InputError) as info:
        any_workload(word)
    assert problem in str(info.value)
