"""Simulated runs as traces v2: what is read back is what was run."""

from __future__ import annotations

import numpy as np

import blis
from blis.workload.read.mooncake import load_mooncake
from blis.workload.recorded.trace_v2 import load_replay, load_trace_v2
from blis.workload.write.trace_v2 import save_trace_v2
from tests.blis.workload.trace_files import write_mooncake

SCENARIO = {"instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [2000, 10, 5]}}}
HEADER = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id\n"
ROWS = "a,0,100,5,sys,64,fast,t1,s\nb,1000,80,9,sys,64,slow,t1,\nc,1000,70,3,sys,32,fast,t2,s\nd,9000,40,1,,0,,,\n"


def written(folder, scenario=SCENARIO):
    """A run, and the trace of it."""
    (folder / "r.csv").write_text(HEADER + ROWS)
    result = blis.simulate(blis.load_scenario(scenario), blis.load_requests(folder / "r.csv"))
    assert save_trace_v2(folder / "t.yaml", result.requests, result.table)
    return result, folder / "t.yaml"


def test_a_run_is_a_recording_of_itself(tmp_path):
    result, path = written(tmp_path)
    found = load_trace_v2(path)
    np.testing.assert_array_equal(found.ttft_us, result.table.ttft_us)
    np.testing.assert_array_equal(found.e2e_us, result.table.e2e_us)
    assert found.failed == 0


def test_a_run_can_be_replayed(tmp_path):
    result, path = written(tmp_path)
    again, table = load_replay(path, "arrivals"), result.requests
    for name in ("arrival_us", "input_tokens", "output_tokens", "path_node", "path_end_token", "session"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
    for names, column in (("slo_names", "slo_class"), ("tenant_names", "tenant")):
        texts = [[getattr(each, names)[code] for code in getattr(each, column)] for each in (again, table)]
        assert texts[0] == texts[1]


def test_who_got_no_answer_is_an_error(tmp_path):
    rejecting = {**SCENARIO, "cluster": {"admission": {"policy": "reject-all"}}}
    _, path = written(tmp_path, rejecting)
    text = path.with_suffix(".csv").read_text()
    assert text.count(",error,") == 4


def test_who_was_not_finished_is_an_error_too(tmp_path):
    _, path = written(tmp_path, {**SCENARIO, "horizon_us": 8000})
    assert [row.split(",")[20] for row in path.with_suffix(".csv").read_text().splitlines()[1:]].count("error") >= 1


def test_beginnings_that_part_can_be_said_only_in_part(tmp_path):
    rows = [(0, 1500, 1, [1, 2, 3]), (1, 1500, 1, [1, 2, 4]), (2, 1500, 1, [1, 5, 6]), (3, 1500, 1, [1, 5, 7])]
    table = load_mooncake(write_mooncake(tmp_path / "m.jsonl", rows))
    result = blis.simulate(blis.load_scenario(SCENARIO), table)
    assert not save_trace_v2(tmp_path / "t.yaml", table, result.table)
    again = load_replay(tmp_path / "t.yaml")
    assert again.tree.n_shared == 1 and again.path_end_token[0] == 512


def test_turns_are_written_when_they_came_and_those_that_never_did_are_not(tmp_path):
    table = load_mooncake(write_session(tmp_path / "s.jsonl"))
    result = blis.simulate(blis.load_scenario(SCENARIO), table)
    save_trace_v2(tmp_path / "t.yaml", table, result.table)
    again = load_replay(tmp_path / "t.yaml")
    assert again.arrival_us.tolist() == [0, -1] and again.think_us.tolist() == [0, 50_000]
    rejecting = blis.simulate(
        blis.load_scenario({**SCENARIO, "cluster": {"admission": {"policy": "reject-all"}}}), table
    )
    save_trace_v2(tmp_path / "t.yaml", table, rejecting.table)
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 2


def write_session(path):
    """Two turns, the second 50 ms after the answer to the first."""
    turn = '{"session_id": "s", "input_length": 9, "output_length": 2, '
    path.write_text(f'{turn}"timestamp": 0}}\n{turn}"delay": 50}}\n')
    return path


def test_requests_that_nothing_has_run_have_arrivals_alone(tmp_path):
    (tmp_path / "r.csv").write_text(HEADER + ROWS)
    table = blis.load_requests(tmp_path / "r.csv")
    assert save_trace_v2(tmp_path / "t.yaml", table)
    again = load_replay(tmp_path / "t.yaml", "arrivals")
    for name in ("arrival_us", "input_tokens", "output_tokens", "path_node", "path_end_token", "session"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
