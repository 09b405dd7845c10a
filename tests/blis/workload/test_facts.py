"""Figures of workloads that can be counted by hand."""

from __future__ import annotations

import pytest

import blis
from blis.workload.assemble import table_from_tokens
from blis.workload.facts import workload_facts

POISSON = {
    "aggregate_rate": 50.0,
    "num_requests": 4000,
    "population": {
        "arrival": {"process": "poisson"},
        "tenants": {"count": 4, "zipf": 0},
        "classes": {"fast": 0.25, "slow": 0.75},
        "input_distribution": {"type": "constant", "params": {"value": 100}},
        "output_distribution": {"type": "constant", "params": {"value": 7}},
    },
}


def test_lengths_gaps_and_what_was_there_before():
    same, other = list(range(10)), list(range(100, 130))
    facts = workload_facts(table_from_tokens([0, 1000, 3000], [same, other, same], [[1], [2], [3, 4, 5, 6]]), 4)
    assert (facts["requests"], facts["span_s"]) == (3, 0.003)
    assert facts["requests_per_s"]["mean"] == pytest.approx(2 / 0.003)
    assert facts["gap_ms"] == pytest.approx({"mean": 1.5, "p50": 1.5, "p90": 1.9, "p99": 1.99, "max": 2, "cv": 1 / 3})
    assert (facts["input_tokens"]["p50"], facts["output_tokens"]["max"]) == (10, 4)
    # 2 of the 2 + 7 + 2 full blocks, 10 of 50 tokens, 1 of 3 requests
    assert facts["sharing"] == pytest.approx({"ideal_hit_rate": 2 / 11, "tokens": 0.2, "requests": 1 / 3})


def test_who_sends_and_how_evenly():
    facts = workload_facts(blis.generate(POISSON, seed=3), 16)
    assert facts["gap_ms"]["cv"] == pytest.approx(1, abs=0.1)
    assert facts["classes"] == pytest.approx({"fast": 0.25, "slow": 0.75}, abs=0.05)
    assert facts["tenants"]["count"] == 4 and facts["tenants"]["largest_share"] == pytest.approx(0.25, abs=0.05)
    rates = facts["requests_per_s"]
    assert rates["quietest"] < 50 < rates["busiest"] and rates["mean"] == pytest.approx(50, rel=0.1)


def test_sessions_and_who_waits(tmp_path):
    lines = [
        f'{{"timestamp": {10 * row}, "input_length": 5, "output_length": 1, "session_id": "{name}"}}'
        for row, name in enumerate("aabaa")
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    facts = workload_facts(blis.load_requests(tmp_path / "t.jsonl"), 16)
    assert facts["sessions"] == {"count": 2, "mean_rounds": 2.5, "max_rounds": 4, "waiting_share": 0.6}


def test_gaps_of_a_closed_loop_are_those_between_starts():
    """Of conversations of 5 rounds; requests are five times as many."""
    talks = {"multi_turn": {"max_rounds": 5, "think_time_us": 100_000, "context_growth": "none"}}
    found = {}
    for closed in (True, False):
        population = POISSON["population"] | {"reasoning": talks, "closed_loop": closed}
        found[closed] = workload_facts(blis.generate(POISSON | {"population": population}, seed=3), 16)
    assert "gap_ms" not in found[True] and "gap_between_starts_ms" not in found[False]
    assert found[True]["gap_between_starts_ms"]["mean"] == pytest.approx(1000 / 50, rel=0.15)
    assert found[True]["requests_per_s"]["mean"] == pytest.approx(5 * 50, rel=0.15)


def test_what_there_is_none_of_is_empty():
    facts = workload_facts(table_from_tokens([5, 5], [[1], [2]], [[1], []]), 16)
    assert [name for name, found in facts.items() if found == {}] == [
        "requests_per_s",
        "classes",
        "tenants",
        "adapters",
        "sessions",
    ]
    assert facts["gap_ms"]["max"] == 0 and "cv" not in facts["gap_ms"]


def test_adapters_and_how_often_they_are_asked_for():
    table = blis.generate(POISSON | {"population": POISSON["population"] | {"adapters": {"count": 2, "share": 0.5}}}, 3)
    expected = {"count": 2, "largest_share": 0.25, "base_model_share": 0.5}
    assert workload_facts(table, 16)["adapters"] == pytest.approx(expected, abs=0.05)
    assert workload_facts(blis.generate(POISSON, seed=3), 16)["adapters"] == {}
