"""Every number of a verdict comes from the pool it should: the search chooses nothing that it is praised for."""

import json
from dataclasses import replace
from statistics import fmean, median

import pytest

import blis
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle
from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from search.__main__ import run
from search.application import EXIT_FAILURE, EXIT_OK
from search.verdict.validation import NO_NEW_POLICY, random_bundles
from search.verdict.verdict import FAILED
from tests.search.small import without_pictures
from tests.search.verdict.pools import (
    BASELINES,
    BUDGETS,
    QUEUE_DEPTH,
    REDRAWN,
    ROUTINGS,
    marked_settings,
    worth,
)

LEAST_LOADED = {"routing": {"policy": "least-loaded"}}


@pytest.fixture(scope="module")
def no_figures():
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        yield


@pytest.fixture(scope="module")
def settings(tmp_path_factory, no_figures):
    """A finished search, in a problem whose pools disagree."""
    settings = marked_settings(tmp_path_factory.mktemp("pools"))
    assert run(settings) == EXIT_OK
    return settings


@pytest.fixture(scope="module")
def verdict(settings):
    return written(settings)


def written(settings):
    """verdict.json."""
    return json.loads((settings.run_dir / "verdict.json").read_text())


def exported(settings):
    """best_policy.yaml."""
    return load_bundle(settings.run_dir / "best_policy.yaml")


def score(pool, budget):
    """What the candidate with this budget scores against the primary baseline."""
    return pytest.approx(BUDGETS[pool][budget] + ROUTINGS[pool]["least-loaded"])


def test_the_winner_is_the_best_on_the_selection_tables(settings, verdict):
    assert exported(settings).engine.max_scheduled_tokens == 1200
    assert verdict["winner"]["genome_id"] == settings.problem.policy(exported(settings)).id
    assert verdict["winner"]["selection"] == score(SELECTION_POOL, 1200)


def test_what_the_search_saw_of_it_is_told_apart_from_what_is_reported(verdict):
    assert verdict["winner"]["search"] == verdict["winner"]["search_rounded"] == score(SEARCH_POOL, 1200)
    assert verdict["winner"]["report"] == score(REPORT_POOL, 1200)
    assert verdict["optimism"] == pytest.approx(verdict["winner"]["search"] - verdict["winner"]["report"])
    assert verdict["optimism"] > 0.1


def test_baselines_are_compared_on_the_report_tables_each_by_itself(settings, verdict):
    for name, bundle in BASELINES.items():
        found, routing = verdict["baselines"][name], bundle.routing.policy
        ours = BUDGETS[REPORT_POOL][1200] + ROUTINGS[REPORT_POOL]["least-loaded"]
        assert found["mean"] == pytest.approx(ours - ROUTINGS[REPORT_POOL][routing]), name
        assert found["tables"] == settings.validation.report_seeds


def test_the_best_baseline_is_the_best_on_the_selection_tables(verdict):
    by_pool = {pool: max(worths, key=worths.__getitem__) for pool, worths in ROUTINGS.items()}
    assert by_pool[SELECTION_POOL] == "lmetric" != by_pool[SEARCH_POOL] == by_pool[REPORT_POOL]
    assert verdict["best_baseline"] == "product"


def test_the_split_keeps_half_of_the_winner_each(verdict):
    """Its token budget with the baseline's routing, and its routing with the baseline's token budget."""
    split = verdict["split"]
    assert split["knobs_alone"]["mean"] == pytest.approx(BUDGETS[REPORT_POOL][1200])
    assert split["policy_alone"]["mean"] == pytest.approx(ROUTINGS[REPORT_POOL]["least-loaded"])


def test_the_redrawn_population_is_another_one(settings, verdict):
    found = verdict["redrawn_population"]
    assert found["mean"] == score(REDRAWN, 1200)
    assert found["tables"] == settings.validation.report_seeds
    assert found["workload_seed"] == settings.problem.workload.seed + 1


def test_random_weights_are_scored_on_the_report_tables(settings, verdict):
    policies = random_bundles(BASELINES["plain"], settings.validation.random_policies)
    scores = [worth(REPORT_POOL, apply_bundle(settings.problem.scenario, policy)) for policy in policies]
    assert len(set(scores)) > 1 and max(scores) > QUEUE_DEPTH[REPORT_POOL] * 0.01
    assert verdict["random_policies"] == {
        "n": settings.validation.random_policies,
        "median": pytest.approx(median(scores)),
        "best": pytest.approx(max(scores)),
    }


def test_latencies_are_the_winners_and_the_primary_baselines_on_the_report_tables(settings, verdict):
    problem, tables = settings.problem, settings.pool(REPORT_POOL, settings.validation.report_seeds)
    measured, printed = verdict["measured"], {}
    for name, bundle in {"winner": exported(settings), "primary": problem.baseline}.items():
        runs = [blis.simulate(problem.scenario, problem.table(key), policy=bundle) for key in tables]
        there = {"mean_instances": problem.scenario.cluster.instances}  # printed where they come and go
        printed[name] = [run.metrics.to_dict() | there for run in runs]
        mean = measured[f"{name}_mean"]
        assert mean == pytest.approx({key: fmean(found[key] for found in printed[name]) for key in mean})
    assert measured["winner_mean"] != measured["primary_mean"]
    by_table = [
        {"table": key, **{name: found[name] for name in measured["winner_mean"]}}
        for key, found in zip(tables, printed["winner"], strict=True)
    ]
    assert measured["winner_by_table"] == by_table


def test_the_pools_are_named_and_share_no_table(settings, verdict):
    sizes = settings.validation
    expected = {
        "search": settings.pool(SEARCH_POOL, sizes.search_seeds),
        "selection": settings.pool(SELECTION_POOL, sizes.selection_seeds),
        "report": settings.pool(REPORT_POOL, sizes.report_seeds),
    }
    assert {name: tuple(seeds) for name, seeds in verdict["pools"].items()} == expected
    seeds = [seed for pool in expected.values() for seed in pool]
    assert len(set(seeds)) == len(seeds) == 2 + 3 + 4


def test_only_the_finalists_meet_the_selection_tables(tmp_path, no_figures):
    """With one finalist the choice is the search's: nobody else is looked at again."""
    settings = marked_settings(tmp_path, finalists=1)
    assert run(settings) == EXIT_OK
    assert exported(settings).engine.max_scheduled_tokens == 1100
    assert written(settings)["winner"]["selection"] == score(SELECTION_POOL, 1100)


def test_of_equals_on_the_selection_tables_the_better_of_the_search_wins(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(1400, 1200))
    assert run(settings) == EXIT_OK
    assert exported(settings).engine.max_scheduled_tokens == 1200


def test_of_two_that_round_to_the_same_the_better_one_is_meant(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(1210, 1234))
    assert run(settings) == EXIT_OK
    assert exported(settings).engine.max_scheduled_tokens == 1200
    assert written(settings)["winner"]["search"] == score(SEARCH_POOL, 1234)


def test_a_space_that_was_tried_whole_is_said(tmp_path, no_figures):
    settings = marked_settings(tmp_path)
    assert run(replace(settings, driver=replace(settings.driver, budget=500))) == EXIT_OK
    assert written(settings)["sentence"].endswith("The search ended early: every policy of the search space was tried.")


def test_a_space_of_baselines_is_nothing_to_prove(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(2048,))  # as the cluster file says
    baselines = {**settings.baselines, "loaded": settings.problem.policy(load_bundle(LEAST_LOADED))}
    driver = replace(settings.driver, budget=500)
    assert run(replace(settings, baselines=baselines, driver=driver)) == EXIT_FAILURE
    found = written(settings)
    assert (found["outcome"], found["sentence"]) == (FAILED, NO_NEW_POLICY)


def test_a_candidate_that_loses_is_not_what_is_deployed(tmp_path, no_figures):
    """The best baseline is proved better than the primary on the report tables: that is the best policy known."""
    settings = marked_settings(tmp_path, budgets=(1700,))
    assert run(settings) == EXIT_OK
    assert exported(settings).routing.policy == "lmetric"
    found, against = written(settings), ROUTINGS[REPORT_POOL]["lmetric"]
    assert found["sentence"].startswith("Take the rule product: against what you run it scores +0.020")
    assert (found["advice"]["name"], found["advice"]["mean"]) == ("product", pytest.approx(against))
    assert load_bundle(tmp_path / "best_candidate.yaml").engine.max_scheduled_tokens == 1700


def test_without_anything_better_what_runs_today_is_exported(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(1700,))
    baselines = {"plain": settings.baselines["plain"]}
    assert run(replace(settings, baselines=baselines)) == EXIT_OK
    found = written(settings)
    assert found["sentence"].startswith("Keep what you run, plain. ")
    assert "No significant winner: " in found["sentence"]
    assert found["policy"]["routing"]["policy"] == exported(settings).routing.policy == "round-robin"
    assert found["candidate"]["routing"]["policy"] == "least-loaded"


def test_rounding_may_cost_no_more_than_it_may(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(1249, 1300))
    assert run(settings) == EXIT_OK
    assert exported(settings).engine.max_scheduled_tokens == 1249  # 1200 would lose 0.18 on the search tables
    assert written(settings)["winner"]["search_rounded"] == score(SEARCH_POOL, 1249)


def test_the_terminal_shows_the_numbers_of_the_file(tmp_path, no_figures, capsys):
    settings = marked_settings(tmp_path)
    run(settings)
    verdict = written(settings)
    lines = {line.split("  +")[0].strip(): line for line in capsys.readouterr().out.splitlines()}
    shown = {
        **verdict["baselines"],
        "its engine knobs alone": verdict["split"]["knobs_alone"],
        "its router and admission alone": verdict["split"]["policy_alone"],
        "on a redrawn population": verdict["redrawn_population"],
        "3 random weights: median": {"mean": verdict["random_policies"]["median"]},
        "random weights: best": {"mean": verdict["random_policies"]["best"]},
        "winner on the search tables": {"mean": verdict["winner"]["search"]},
        "optimism (search - report)": {"mean": verdict["optimism"]},
    }
    for name, found in shown.items():
        assert lines[name].split("  +")[1].split()[0] == f"{found['mean']:.3f}", name
    assert lines["plain"].endswith("primary") and lines["product"].endswith("best on selection")


def test_a_rounded_winner_says_what_it_scored_before_and_after(tmp_path, no_figures):
    settings = marked_settings(tmp_path, budgets=(1234, 1290))
    assert run(settings) == EXIT_OK
    assert exported(settings).engine.max_scheduled_tokens == 1200
    assert written(settings)["winner"]["search"] == score(SEARCH_POOL, 1234)
    assert written(settings)["winner"]["search_rounded"] == score(SEARCH_POOL, 1200)


def test_what_is_deployed_is_tried_in_other_worlds(tmp_path, no_figures):
    settings = marked_settings(tmp_path)
    validation = replace(settings.validation, robust=True, saving=True, shift_seeds=2)
    shifts = ("signals 1 s old", "one instance less")
    assert run(replace(settings, validation=validation, shifts=shifts)) == EXIT_OK
    verdict = written(settings)
    assert [one["shift"] for one in verdict["robust"]] == list(shifts)
    for one in verdict["robust"]:  # whatever the world, these policies are worth what they are worth
        assert (one["mean"], one["tables"]) == (score(REPORT_POOL, 1200), 2)
        assert one["best_baseline"]["mean"] == pytest.approx(ROUTINGS[REPORT_POOL]["lmetric"])
    assert verdict["saving"] is None  # no SLOs
    expected = " In other worlds the policy found is safe under 2 of 2 shifts and better under 2."
    assert expected in verdict["sentence"]


def test_what_is_not_asked_for_is_null(verdict):
    assert (verdict["robust"], verdict["saving"]) == (None, None)
