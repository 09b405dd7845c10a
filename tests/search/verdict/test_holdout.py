"""Fresh tables: every policy against every other on the same ones, each pair simulated once."""

import math
from dataclasses import replace

import numpy as np
import pytest

from blis.comparison.statistics import paired_comparison
from blis.engine.run import simulate
from blis.errors import EngineError
from blis.fitness.value import FitnessValue
from search.problem.traffic import Recorded
from search.running.evaluator import Evaluator
from search.verdict.holdout import Holdout, TraceHoldout, make_holdout
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import small_settings

POOLS = ("pool/search", "pool/selection", "pool/report")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return small_settings(tmp_path_factory.mktemp("run"))


@pytest.fixture
def policies(settings):
    return [settings.baselines[name] for name in ("least-loaded", "round-robin", "llm-d-default")]


def test_each_difference_is_paired_by_table(settings, policies):
    winner, *others = policies
    holdout = make_holdout(settings)
    assert isinstance(holdout, Holdout) and not isinstance(holdout, TraceHoldout)
    found = holdout.against(winner, others)
    fitness, seeds = settings.problem.fitness, settings.pool("pool/report", 4)
    ours, *theirs = Evaluator(settings.problem, seeds, settings.workers).performances(policies)
    for comparison, other in zip(found, theirs, strict=True):
        differences = [fitness.compare(x.outcome, b.outcome).value for x, b in zip(ours, other, strict=True)]
        assert comparison == paired_comparison(differences, settings.seed)
    assert found[0].mean != found[1].mean


def test_how_much_more_one_scores_than_another_is_in_the_measure_of_the_search(settings, policies):
    winner, other, primary = policies
    (found,) = make_holdout(settings).beyond(winner, [other])
    fitness, seeds = settings.problem.fitness, settings.pool("pool/report", 4)
    runs = zip(*Evaluator(settings.problem, seeds, settings.workers).performances(policies), strict=True)
    scores = [[fitness.compare(x.outcome, p.outcome).value for x in (a, b)] for a, b, p in runs]
    assert found == paired_comparison([a - b for a, b in scores], settings.seed)
    assert make_holdout(settings).beyond(winner, [primary])[0] == make_holdout(settings).against(winner, [primary])[0]


def test_the_sign_says_who_is_better_and_nobody_beats_himself(settings, policies):
    first, second, _ = policies
    holdout = make_holdout(settings)
    (one,), (other,), (same,) = (holdout.against(x, [b]) for x, b in ((first, second), (second, first), (first, first)))
    assert one.mean == pytest.approx(-other.mean) and one.mean != 0
    assert (same.mean, same.t_low, same.t_high, same.p_value) == (0, 0, 0, 1)


def test_the_three_evaluators_have_their_own_tables(settings):
    holdout = make_holdout(settings)
    assert holdout.selection.seeds == settings.pool("pool/selection", 3)
    assert holdout.report.seeds == holdout.redrawn.seeds == settings.pool("pool/report", 4)
    assert holdout.redrawn.problem.workload.seed != settings.problem.workload.seed
    seeds = [seed for pool in POOLS for seed in settings.pool(pool, 4)]
    assert len(set(seeds)) == 12


def test_a_policy_is_simulated_once_a_table_for_all_that_is_said_of_it(settings, policies):
    calls = []

    def counted(scenario, table):
        calls.append(1)
        return simulate(scenario, table)

    holdout = make_holdout(replace(settings, problem=replace(settings.problem, simulate=counted)))
    found = holdout.measured(policies[0])
    assert len(found) == len(calls) == 4
    holdout.against(policies[0], policies[1:])
    assert holdout.measured(policies[0]) == found
    assert len(calls) == 3 * 4


def test_who_serves_is_looked_at_until_one_does(settings, policies):
    calls = []

    def counted(scenario, table):
        calls.append(scenario)
        return simulate(scenario, table)

    assert make_holdout(replace(settings, problem=replace(settings.problem, simulate=counted))).serves(policies)
    assert calls == 4 * [policies[0].scenario]


def test_a_policy_without_a_score_is_an_error(settings, policies):
    broken = replace(settings, problem=replace(settings.problem, simulate=lambda *_: 1 / 0))
    with pytest.raises(EngineError, match="has no score on seed"):
        make_holdout(broken).against(policies[0], [policies[1]])


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_an_error(settings, policies, monkeypatch, value):
    holdout = make_holdout(settings)
    monkeypatch.setattr(type(settings.problem.fitness), "compare", lambda *_: FitnessValue(value, {}))
    with pytest.raises(EngineError, match=f"the fitness gives {value}"):
        holdout.against(policies[0], [policies[1]])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trace")
    path = write_mooncake(folder / "trace.jsonl", random_mooncake_rows(seed=8, n=600, gap_ms=200))
    own = ("workload=trace", f"workload.path={path}", "workload.first=600", "workload.windows.warmup_s=3")
    return small_settings(folder, *own)


def _nothing_to_score(times):
    return np.full(len(times), math.nan)


class TestTrace:
    """One window a pool; the interval comes from blocks of its time."""

    def test_the_difference_is_the_score_on_the_report_window(self, recorded):
        assert isinstance(recorded.problem.traffic, Recorded)
        holdout = make_holdout(recorded)
        winner, other = recorded.baselines["least-loaded"], recorded.baselines["round-robin"]
        (found,) = holdout.against(winner, [other])
        (x,), (b,) = Evaluator(recorded.problem, ["report"], recorded.workers).performances([winner, other])
        assert found.mean == recorded.problem.fitness.compare(x.outcome, b.outcome).value
        assert found.bounds[0] <= found.mean <= found.bounds[1]
        table = recorded.problem.table("report")
        scored_us = table.arrival_us[table.scored_rows]  # the warm-up has no blocks
        assert found.blocks * found.block_us == pytest.approx(scored_us[-1] - scored_us[0], rel=0.01)
        assert (holdout.redrawn, holdout.selection.seeds) == (None, ("selection",))

    def test_scores_against_a_third_meet_the_same_blocks(self, recorded):
        holdout, primary = make_holdout(recorded), recorded.problem.against
        winner, other = recorded.baselines["least-loaded"], recorded.baselines["round-robin"]
        (found,) = holdout.beyond(winner, [other])
        (one,), (two,) = (holdout.against(policy, [primary]) for policy in (winner, other))
        assert found.mean == pytest.approx(one.mean - two.mean)
        assert found.bounds[0] <= found.mean <= found.bounds[1]
        assert holdout.beyond(winner, [primary])[0].bounds == pytest.approx(one.bounds)

    def test_blocks_are_long_enough_for_the_slower_of_the_two(self, recorded):
        holdout = make_holdout(recorded)
        slow, fast = recorded.baselines["round-robin"], recorded.baselines["llm-d-default"]
        p99_us = [1000 * holdout.measured(policy)[0].e2e_p99_ms for policy in (slow, fast)]
        for pair in ((slow, fast), (fast, slow)):
            (found,) = holdout.against(pair[0], [pair[1]])
            assert 5 * max(p99_us) <= found.block_us < 10 * max(p99_us)

    def test_blocks_that_never_give_a_score_give_no_interval(self, recorded, monkeypatch):
        holdout, baselines = make_holdout(recorded), recorded.baselines
        monkeypatch.setattr(type(recorded.problem.fitness), "by_blocks", lambda *_: _nothing_to_score)
        (found,) = holdout.against(baselines["least-loaded"], [baselines["round-robin"]])
        assert (found.bounds, found.flaw) == (None, "no resample of its blocks of time has a score")
        assert math.isfinite(found.mean)
