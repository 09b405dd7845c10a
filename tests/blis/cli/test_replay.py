"""`blis replay`: a trace v2 sent again; what a run recorded comes out of it once more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blis.yaml_strict import dump_yaml
from tests.blis.cli.commands import Command, rows

SCENARIO = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [2000, 10, 5]}}}
HEADER = (
    "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id,round\n"
)
ROWS = (
    "a,0,100,5,sys,64,fast,t1,s,0\nb,5000,80,9,sys,64,slow,t1,,\nc,90000,70,3,sys,32,fast,t2,s,1\nd,95000,40,1,,0,,,,\n"
)


@pytest.fixture
def command(capsys, tmp_path, monkeypatch):
    """In a folder with a scenario, and the trace of a run of it."""
    monkeypatch.chdir(tmp_path)
    dump_yaml(SCENARIO, "scenario.yaml")
    Path("requests.csv").write_text(HEADER + ROWS)
    command = Command(capsys)
    command("run", "--config", "scenario.yaml", "--requests", "requests.csv", "--record", "trace.yaml")
    return command


@pytest.mark.parametrize("turns", ["closed", "arrivals"])
def test_the_same_cluster_gives_the_same_again(command, turns):
    """Closed loop or not: the pause is what was left of the time to the next request when the answer was there."""
    command("run", "--config", "scenario.yaml", "--requests", "requests.csv", "--results-path", "recorded.csv")
    command("replay", "trace.yaml", "--config", "scenario.yaml", "--turns", turns, "--results-path", "again.csv")
    for name in ("ttft_us", "e2e_us", "arrival_us", "slo_class"):
        assert sorted(row[name] for row in rows(Path("again.csv"))) == sorted(
            row[name] for row in rows(Path("recorded.csv"))
        )


def test_a_slower_cluster_answers_later_and_turns_wait_for_it(command):
    slow = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [9000, 10, 5]}}}
    dump_yaml(slow, "slow.yaml")
    third = {}
    for turns in ("closed", "arrivals"):
        command("replay", "trace.csv", "--config", "slow.yaml", "--turns", turns, "--results-path", "out.csv")
        third[turns] = {row["request_id"]: int(row["arrival_us"]) for row in rows(Path("out.csv"))}["request_2"]
    assert third["closed"] > third["arrivals"] == 90_000


def test_the_simulated_run_is_a_trace_again(command):
    out, _ = command("replay", "trace.yaml", "--config", "scenario.yaml", "--turns", "arrivals", "--record", "b.yaml")
    assert json.loads(out)["completed_requests"] == 4
    assert Path("b.csv").read_text() == Path("trace.csv").read_text()


def test_a_workload_beside_the_scenario_is_left_aside_and_that_is_said(command):
    dump_yaml(SCENARIO | {"workload": {"path": "other.jsonl"}}, "both.yaml")
    _, err = command("replay", "trace.yaml", "--config", "both.yaml")
    assert "the workload in both.yaml is left aside: the requests come from trace.yaml" in err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("missing.yaml", "--config", "scenario.yaml"), "missing.yaml"),
        (("requests.csv", "--config", "scenario.yaml"), "requests.csv: the header of the trace, requests.yaml, is mis"),
        (("trace.yaml",), "--config or --model must be given"),
        (("trace.yaml", "--config", "scenario.yaml", "--turns", "open"), "invalid choice: 'open'"),
        (("trace.yaml", "--config", "scenario.yaml", "--rate", "3"), "--rate"),
        (("trace.yaml", "--config", "scenario.yaml", "--trace-output", "t.yaml"), "--record FILE.yaml writes the run"),
    ],
)
def test_mistakes_are_one_line(command, arguments, problem):
    assert problem in command.fails("replay", *arguments)
