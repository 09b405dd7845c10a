"""Runs as traces that can be replayed: the same requests are offered again, and what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import blis
from blis.workload.read.agentic import load_agentic
from blis.workload.read.mooncake import load_mooncake
from blis.workload.recorded.trace_v2 import load_replay
from blis.workload.write.runs import save_run

LATENCY = {"alpha": [0, 0, 0], "beta": [2500, 10, 5]}
SCENARIO = {"instance": {"latency_model": LATENCY, "engine": {"max_model_len": 1000}}}  # longer ones are rejected
HEADER = "request_id,arrival_us,input_tokens,output_tokens,prefix_group,prefix_tokens,slo_class,tenant_id,session_id\n"


def conversations(folder: Path) -> Path:
    """Three of them; the second asks too much in its second turn, so that its third and fourth never come."""
    rows = [
        {"session_id": name, "input_length": tokens, "output_length": 7}
        | ({"delay": 40 + turn} if turn else {"timestamp": at})
        for at, name, lengths in ((0, "a", (100, 200, 300)), (3, "b", (50, 5000, 60, 70)), (5, "c", (80, 90)))
        for turn, tokens in enumerate(lengths)
    ]  # fmt: skip
    path = folder / "talk.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run_of(table, scenario=SCENARIO):
    return blis.simulate(blis.load_scenario(scenario), table)


def test_a_closed_loop_with_rejections_is_offered_again(tmp_path: Path):
    result = run_of(load_mooncake(conversations(tmp_path)))
    assert (result.table.arrival_us < 0).sum() == 2
    assert save_run(tmp_path / "run.jsonl", result.requests, result.table) == []
    again = load_mooncake(tmp_path / "run.jsonl")
    for name in ("arrival_us", "think_us", "predecessor", "input_tokens", "output_tokens", "session", "round"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result.requests, name))
    np.testing.assert_array_equal(run_of(again).table.e2e_us, result.table.e2e_us)
    larger = {"instance": {"latency_model": LATENCY}}
    assert (run_of(again, larger).table.arrival_us >= 0).all()


def test_the_answer_is_waited_for_once(tmp_path: Path):
    result = run_of(load_mooncake(conversations(tmp_path)))
    save_run(tmp_path / "run.jsonl", result.requests, result.table)
    again = run_of(load_mooncake(tmp_path / "run.jsonl"))
    np.testing.assert_array_equal(again.table.arrival_us, result.table.arrival_us)


def test_who_came_may_be_replayed_at_the_time(tmp_path: Path):
    path = conversations(tmp_path)
    path.write_text("".join(line for line in path.read_text().splitlines(True) if '"b"' not in line))
    result = run_of(load_mooncake(path))
    save_run(tmp_path / "run.jsonl", result.requests, result.table)
    again = load_mooncake(tmp_path / "run.jsonl", turns="arrivals")
    np.testing.assert_allclose(again.arrival_us, np.sort(result.table.arrival_us), atol=500)


def test_a_trace_v2_says_whom_a_replay_leaves_out(tmp_path: Path):
    result = run_of(load_mooncake(conversations(tmp_path)))
    assert save_run(tmp_path / "run.yaml", result.requests, result.table) == [
        "3 requests were not answered, 2 of them never came: a replay leaves them out; a .jsonl file keeps them"
    ]
    assert len(load_replay(tmp_path / "run.yaml")) == len(result.requests) - 3


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (".jsonl", ["classes, tenants: not in this format, left out", "sessions are read as turns"]),
        (".yaml", ["sessions are read as turns"]),
    ],
)
def test_what_a_format_cannot_say_is_named(tmp_path: Path, ending: str, said: list[str]):
    (tmp_path / "r.csv").write_text(f"{HEADER}a,0,100,5,,0,fast,t1,s\nb,9000,80,9,,0,slow,t1,s\n")
    result = run_of(blis.load_requests(tmp_path / "r.csv"))
    lines = save_run(tmp_path / f"run{ending}", result.requests, result.table)
    assert [line[: len(text)] for line, text in zip(lines, said, strict=True)] == said


def test_who_waits_for_several_is_said_and_keeps_its_arrival(tmp_path: Path):
    step = {"out": 1, "api_time": 1, "think_time": 0, "hash_ids": [1]}
    own = {**step, "t": 0, "in": 64}
    nested = {"type": "subagent", "t": 1, "requests": [{**step, "t": 1, "in": 65, "api_time": 10}]}  # two side by side
    late = {**step, "t": 2, "in": 2000}, {**step, "t": 4, "in": 66}
    session = {"id": "s", "block_size": 64, "hash_id_scope": "local", "requests": [own, nested, nested, *late]}
    (tmp_path / "s.json").write_text(json.dumps(session))
    result = run_of(load_agentic(tmp_path / "s.json"))
    assert save_run(tmp_path / "run.jsonl", result.requests, result.table) == [
        "who waits for whose answer is more than the rows can say: `turns: arrivals` keeps their arrivals",
        "1 requests that never came are left out",
    ]
    assert len(load_mooncake(tmp_path / "run.jsonl", turns="arrivals")) == len(result.requests) - 1
