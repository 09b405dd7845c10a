"""Other worlds: what is compared there, what counts as safe, and what is left out."""

from dataclasses import replace

import pytest

from blis.comparison.statistics import paired_comparison
from blis.engine.run import simulate
from blis.policies.bundle import load_bundle
from search.running.evaluator import Evaluator
from search.shifts.worlds import worlds
from search.verdict.holdout import make_holdout
from search.verdict.robustness import Robustness, UnderShift, robustness
from tests.search.small import small_settings
from tests.search.verdict.comparisons import by_blocks, interval

SHIFTS = ("rate x1.2", "burstiness x2", "one instance less", "signals 5 s old")
ROUND_ROBIN = load_bundle({"routing": {"policy": "round-robin"}})
LEAST_LOADED = load_bundle({"routing": {"policy": "least-loaded"}})


def settings_of(folder, *overrides):
    settings = small_settings(folder, "validation.shift_seeds=3", *overrides)
    return replace(settings, shifts=SHIFTS)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return settings_of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def found(settings):
    policy, rule = (settings.problem.policy(bundle) for bundle in (ROUND_ROBIN, LEAST_LOADED))
    return robustness(make_holdout(settings), policy, rule)


def test_each_world_has_its_own_tables_and_both_are_compared_with_the_primary_there(settings, found):
    """The tables are the first ones of the report pool, as they are drawn in that world."""
    problem, fitness = settings.problem, settings.problem.fitness
    policy, rule = (problem.policy(bundle) for bundle in (ROUND_ROBIN, LEAST_LOADED))
    assert [one.shift for one in found.shifts] == list(SHIFTS)
    for one in found.shifts:
        world = worlds(problem, [one.shift]).problems[one.shift]
        evaluator = Evaluator(world, settings.pool("pool/report", 3), settings.workers)
        ours, theirs, primary = evaluator.performances([policy, rule, problem.against])
        for comparison, performances in ((one.policy, ours), (one.best_baseline, theirs)):
            pairs = zip(performances, primary, strict=True)
            scores = [fitness.compare(x.outcome, b.outcome).value for x, b in pairs]
            assert comparison == paired_comparison(scores, settings.seed), one.shift
    assert len({one.policy.mean for one in found.shifts}) == len(SHIFTS)


def test_workers_change_nothing(tmp_path, settings, found):
    more = settings_of(tmp_path, "parallel.n_jobs=2")
    policy, rule = (more.problem.policy(bundle) for bundle in (ROUND_ROBIN, LEAST_LOADED))
    assert robustness(make_holdout(more), policy, rule) == found


def test_the_best_baseline_stands_beside_it_only_if_it_is_another(settings):
    problem = settings.problem
    policy, holdout = problem.policy(ROUND_ROBIN), make_holdout(settings)
    for rule in (policy, problem.against):
        assert {one.best_baseline for one in robustness(holdout, policy, rule).shifts} == {None}


def test_a_world_in_which_nothing_has_a_score_is_left_out(settings):
    def failing(scenario, table):
        if scenario.cluster.instances == 3:
            raise ValueError("three is too few")
        return simulate(scenario, table)

    broken = replace(settings, problem=replace(settings.problem, simulate=failing))
    policy = broken.problem.policy(ROUND_ROBIN)
    found = robustness(make_holdout(broken), policy, policy)
    assert [one.shift for one in found.shifts] == [name for name in SHIFTS if name != "one instance less"]
    assert "three is too few" in found.left_out["one instance less"]


SAFE, BETTER, WORSE = interval(-0.01, 0.03), interval(0.01, 0.05), interval(-0.04, -0.02)


def test_safe_is_not_significantly_worse():
    shifts = [
        UnderShift("a", SAFE),
        UnderShift("b", BETTER),
        UnderShift("c", WORSE),
        UnderShift("d", interval(-0.2, 0)),
    ]
    assert str(Robustness(shifts, {"e": "no"})) == (
        "safe under 3 of 4 shifts and better under 1; it loses under c (-0.030 [-0.040, -0.020])"
    )


def test_without_an_interval_nothing_is_said_to_be_safe():
    flawed = replace(by_blocks(0.1, 0.2), bounds=None)
    assert str(Robustness([UnderShift("a", flawed), UnderShift("b", BETTER)], {})) == (
        "safe under 1 of 1 shifts and better under 1; there is no interval under a"
    )
    assert str(Robustness([], {"a": "no"})) == ""


def test_as_data():
    found = Robustness([UnderShift("a", BETTER, SAFE), UnderShift("b", WORSE)], {"c": "no"}).to_dict()
    assert [(one["shift"], one.get("mean"), one.get("left_out")) for one in found] == [
        ("a", BETTER.mean, None),
        ("b", WORSE.mean, None),
        ("c", None, "no"),
    ]
    assert (found[0]["t"], found[0]["best_baseline"]["t"], found[1]["best_baseline"]) == (
        [0.01, 0.05],
        [-0.01, 0.03],
        None,
    )
