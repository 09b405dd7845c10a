"""Prompts of which a log says how much was found in the cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import blis
from blis.scenario import load_scenario
from blis.workload.recorded.hits import with_hits
from blis.workload.recorded.request_log import load_results

SCENARIO = {
    "instance": {
        "latency_model": {"kind": "linear", "parameters": {"fixed_us": 6000, "prefill_us_token": 45}},
        "engine": "vllm-2026",
    }
}
CHAT = {
    "version": "1",
    "aggregate_rate": 5.0,
    "num_requests": 60,
    "population": {
        "arrival": {"process": "poisson"},
        "tenants": {"count": 4, "zipf": 0.5},
        "prefix": {"share": 0.8, "length_distribution": {"type": "constant", "params": {"value": 900}}},
        "classes": {"standard": 1.0},
        "input_distribution": {"type": "exponential", "params": {"mean": 300}},
        "output_distribution": {"type": "exponential", "params": {"mean": 40, "min": 2, "max": 200}},
    },
}


def spans(cached, inputs, let_in, first, completed, outputs=(5, 5, 5)):
    """The sequences of three requests, and how many hits are not explained."""
    columns = (cached, inputs, outputs, let_in, first, completed)
    return with_hits(*(np.array(column, np.int64) for column in columns))


def test_a_prompt_begins_like_the_one_that_was_last_in_use_and_had_said_as_much():
    found = spans([0, 0, 16], [100, 40, 50], let_in=[0, 1, 30], first=[10, 20, 40], completed=[25, 22, 50])
    assert found.sequences == [[(0, 0, 105)], [(1, 0, 45)], [(0, 0, 16), (2, 0, 39)]] and found.unexplained == 0
    longer = spans([0, 0, 48], [100, 40, 50], let_in=[0, 1, 30], first=[10, 20, 40], completed=[25, 27, 50])
    assert longer.sequences[2] == [(0, 0, 48), (2, 0, 7)]


def test_an_answer_is_found_too_once_it_is_complete():
    found = spans([0, 0, 104], [100, 40, 120], let_in=[0, 1, 30], first=[10, 20, 40], completed=[25, 22, 50])
    assert found.sequences[2] == [(0, 0, 104), (2, 0, 21)] and found.unexplained == 0
    early = spans([0, 0, 104], [100, 40, 120], let_in=[0, 1, 30], first=[10, 20, 40], completed=[35, 22, 50])
    assert early.sequences[2] == [(2, 0, 125)] and early.unexplained == 1


def test_what_a_hit_begins_like_may_itself_begin_like_another():
    found = spans([0, 32, 48], [100, 80, 90], let_in=[0, 12, 30], first=[10, 20, 40], completed=[15, 22, 50])
    assert found.sequences[1:] == [[(0, 0, 32), (1, 0, 53)], [(0, 0, 32), (1, 0, 16), (2, 0, 47)]]


def test_the_hits_of_a_run_are_found_again(tmp_path: Path):
    result = blis.simulate(load_scenario(SCENARIO), blis.generate(CHAT))
    result.save(tmp_path / "r.csv")
    found = load_results(tmp_path / "r.csv")
    again = blis.simulate(load_scenario(SCENARIO), found.requests)
    assert (result.table.cached_tokens > 0).sum() > 20
    assert again.table.cached_tokens.tolist() == result.table.cached_tokens.tolist()
    assert again.table.ttft_us.tolist() == result.table.ttft_us.tolist()
    assert any("were in the cache in part" in note for note in found.notes)
