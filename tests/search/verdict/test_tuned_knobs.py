"""The primary baseline with its engine knobs searched alone."""

from dataclasses import replace

import pytest

from search.__main__ import run
from search.application import EXIT_OK
from search.running.evaluator import Evaluator
from search.space.space import space_from_mapping
from search.verdict.holdout import make_holdout
from search.verdict.tuned_knobs import knob_space, tune_knobs
from search.workers import Workers
from tests.search.small import small_settings, without_pictures
from tests.search.verdict.pools import REPORT_POOL, ROUTINGS, marked_settings
from tests.search.verdict.test_validation import written


def tuned(settings, evaluator=None):
    """What is found with a fresh evaluator, or one that has scored something before."""
    evaluator = evaluator or Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    return tune_knobs(settings, evaluator, make_holdout(settings).selection)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return marked_settings(tmp_path_factory.mktemp("run"), tuned=0.2)


def test_the_primary_gets_the_best_knobs_on_the_selection_tables_and_keeps_the_rest(settings):
    found, primary = tuned(settings), settings.problem.against.complete
    assert (found.name, found.candidates, found.share) == ("plain-tuned-knobs", 6, 0.2)
    assert found.policy.bundle == replace(primary, engine=replace(primary.engine, max_scheduled_tokens=1200))
    assert found.to_dict()["engine"]["max_scheduled_tokens"] == 1200


def test_where_no_knob_is_better_it_is_the_primary_itself(tmp_path):
    settings = marked_settings(tmp_path, budgets=(1500, 1600), tuned=0.2)  # worth nothing
    assert tuned(settings).policy.id == settings.problem.against.id


def test_it_is_the_same_whatever_was_evaluated_before_and_by_how_many(settings):
    used = Evaluator(settings.problem, settings.problem.search_seeds, settings.workers)
    first = tuned(settings, used)
    assert first.policy.id != settings.problem.against.id
    assert tuned(settings, used) == tuned(replace(settings, workers=Workers(3))) == first


def test_it_does_not_take_from_the_searchs_budget_of_seconds(settings):
    slow = replace(settings, driver=replace(settings.driver, batch=2))
    hurried = replace(slow, driver=replace(slow.driver, seconds=1e-9))
    assert tuned(hurried) == tuned(slow)


@pytest.mark.parametrize(
    ("overrides", "flaw"),
    [
        (("search_space=routing_weights",), "not searched: the search space names no engine knob"),
        (("validation.tuned_knobs_share=0",), "not searched: validation.tuned_knobs_share is 0"),
    ],
)
def test_without_it_there_is_a_reason(tmp_path, overrides, flaw):
    found = tuned(small_settings(tmp_path, *overrides))
    assert (found.policy, found.flaw, found.baselines) == (None, flaw, {})
    assert found.to_dict() == {"name": "llm-d-default-tuned-knobs", "flaw": flaw}


def test_its_space_is_the_knobs_of_the_searchs():
    number = {"type": "int", "low": 1, "high": 9}
    mapping = {
        "routing": {"policy": {"type": "categorical", "choices": ["round-robin", "least-loaded"]}},
        "engine": {
            "long_prefill_threshold": {"type": "categorical", "choices": [0, 256]},
            "max_running": {**number, "when": {"routing.policy": "least-loaded", "engine.long_prefill_threshold": 256}},
        },
    }
    space = space_from_mapping(mapping)
    found = knob_space(space)
    assert list(found) == ["engine.long_prefill_threshold", "engine.max_running"]
    assert found.parameters["engine.max_running"] == space.parameters["engine.max_running"]
    assert found.conditions == {"engine.max_running": {"engine.long_prefill_threshold": (256,)}}
    fixed = {**mapping, "engine": {"max_running": {"type": "int", "low": 9, "high": 9}}}
    assert knob_space(space_from_mapping(fixed)) is None


def test_the_verdict_compares_with_it_and_says_what_is_beyond(tmp_path, monkeypatch, capsys):
    without_pictures(monkeypatch)
    settings = marked_settings(tmp_path, tuned=0.2)
    assert run(settings) == EXIT_OK
    verdict, out = written(settings), capsys.readouterr().out
    mean = verdict["baselines"]["plain-tuned-knobs"]["mean"]
    assert mean == pytest.approx(ROUTINGS[REPORT_POOL]["least-loaded"])  # both have the best token budget
    assert verdict["best_baseline"] == "plain-tuned-knobs"
    assert f"beyond tuned engine knobs {mean:+.3f}" in verdict["sentence"]
    assert "plain-tuned-knobs: max_scheduled_tokens 1200, " in out and "(the best of 6 candidates, 20% of" in out
