"""The facts of a verdict as verdict.json has them."""

import json
from dataclasses import replace

import pytest

from search.running.performance import Measures
from search.verdict.advice import keep
from search.verdict.verdict import INTERRUPTED, Question, SoFar, Verdict, mean_of
from tests.search.verdict.comparisons import MEASURES, POLICY, drawn_verdict, trace_verdict

ORIGIN = {"run_id": "abc"}


def content(verdict):
    return json.loads(verdict.json_text(ORIGIN))


def interrupted(so_far):
    return Verdict(
        INTERRUPTED,
        "Interrupted.",
        POLICY,
        keep("llm-d", POLICY),
        Question("llm-d", 1, True, {"search": [2**63]}),
        so_far,
    )


def test_json_is_sorted_and_says_where_it_comes_from():
    found = content(drawn_verdict())
    assert list(found) == sorted(found)
    assert found["run_id"] == "abc"
    assert found["policy"] == {"scheduler": "fcfs"}
    assert found["sentence"] == "It is so."


def test_a_comparison_over_tables_has_two_intervals_and_p_values():
    found = content(drawn_verdict())
    assert found["baselines"]["llm-d"] == {
        "mean": pytest.approx(0.06), "t": [0.05, 0.07], "bca": [0.05, 0.07], "bootstrap": "BCa", "p": 0.001,
        "p_holm": 0.002, "tables": 32,
    }  # fmt: skip
    assert set(found["split"]["knobs_alone"]) == {"mean", "t", "bca", "bootstrap", "p", "tables"}
    assert found["redrawn_population"]["workload_seed"] == 2
    assert found["random_policies"] == {"n": 3, "median": -1.5, "best": 0.25}


def test_a_comparison_on_a_trace_has_blocks():
    found = content(trace_verdict())
    assert found["baselines"]["blis"] == {
        "mean": 0.04, "interval": [-0.01, 0.09], "bootstrap": "BCa", "blocks": 12, "block_s": 2.5
    }  # fmt: skip
    assert "redrawn_population" not in found
    assert found["random_policies"] == {"n": 0, "median": None, "best": None}


def test_what_was_measured_is_there_by_table_and_in_the_mean():
    measured = content(drawn_verdict())["measured"]
    assert measured["winner_by_table"] == [{"table": 7, **vars(MEASURES)}, {"table": 8, **vars(MEASURES)}]
    assert measured["winner_mean"] == measured["primary_mean"] == vars(MEASURES)


def test_the_mean_is_over_tables():
    first, second = (Measures(*(float(i * k) for k in range(1, 15))) for i in (1, 3))
    assert list(mean_of([first, second]).values()) == [2.0 * k for k in range(1, 15)]


def test_tables_on_which_nothing_was_completed_count_for_nothing_else():
    nothing = Measures(0, *13 * [0.0])
    assert mean_of([MEASURES, nothing]) == {**vars(MEASURES), "completed_requests": 50}
    assert mean_of([nothing, nothing]) == {**dict.fromkeys(vars(nothing)), "completed_requests": 0}


def test_a_latency_that_nobody_had_on_a_table_does_not_count_there():
    silent = replace(MEASURES, itl_max_ms=None, ttft_mean_ms=None)
    assert mean_of([MEASURES, silent]) == vars(MEASURES)
    assert mean_of([silent, silent]) == vars(silent)


def test_without_a_proof_it_says_how_far_the_search_came():
    found = content(interrupted(SoFar(12, "0123456789ab", 0.5)))
    assert found["pools"] == {"search": [2**63]}
    assert (found["candidates"], found["winner"]) == (12, {"genome_id": "0123456789ab", "search": 0.5})
    assert "winner" not in content(interrupted(SoFar(0)))
    assert interrupted(SoFar(0)).against_primary is None
