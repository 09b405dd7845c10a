"""Of a finished search everything is explained; of one that proved nothing, or was not asked to, nothing."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from search.__main__ import run
from search.application import EXIT_OK
from search.explanation.explanation import explain
from tests.search.small import without_pictures
from tests.search.verdict.comparisons import drawn_verdict, interval
from tests.search.verdict.pools import marked_settings


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    settings = marked_settings(tmp_path_factory.mktemp("explained"))
    settings = replace(settings, validation=replace(settings.validation, explain=True))
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(settings) == EXIT_OK
    return settings


def test_it_stands_in_the_verdict(done):
    found = json.loads((done.run_dir / "verdict.json").read_text())
    explanation = found["explanation"]
    assert set(explanation) == {"needed", "given_up", "importance", "slices", "groups", "decisions"}
    assert set(explanation["needed"]) == {"routing.policy", "engine.max_scheduled_tokens"}
    assert explanation["given_up"] == found["winner"]["set_back"] == []
    assert explanation["slices"]["engine.max_scheduled_tokens"]["value"] == 1200
    assert {group["kind"] for group in explanation["groups"]} >= {"prompt tokens", "time"}


def test_nothing_is_said_of_a_share_of_a_gain_that_may_be_none(monkeypatch):
    """Where the interval of the gain holds 0 there is no half of it that could be gone."""
    module = "search.explanation.explanation."
    for name in ("ablation", "importance", "slices"):
        monkeypatch.setattr(module + name, lambda *_: {"routing.scorers.queue-depth": None})
    for name in ("groups", "decisions", "_runs"):
        monkeypatch.setattr(module + name, lambda *_: [])
    settings = SimpleNamespace(validation=SimpleNamespace(explain=True, simplicity_share=0.1), space=None, problem=None)
    holdout = SimpleNamespace(selection=None, report=SimpleNamespace(seeds=[0]))
    verdict = drawn_verdict()
    for bounds, said in (((0.01, 0.05), True), ((-0.01, 0.05), False), ((0.0, 0.05), False)):
        compared = {**verdict.proof.baselines, verdict.question.primary: interval(*bounds)}
        other = replace(verdict, evidence=replace(verdict.proof, baselines=compared))
        assert bool(explain(settings, None, other, holdout).slices) == said


def test_nothing_is_explained_that_is_not_proved_or_asked_for(done):
    off = replace(done, validation=replace(done.validation, explain=False))
    assert explain(off, None, drawn_verdict(), None) is None
    assert explain(done, None, replace(drawn_verdict(), candidate=None), None) is None
