"""A run folder as it was written: verdict, tables and policies."""

import json

from blis.yaml_strict import load_mapping
from search.report.finished import FOUND, read_finished, settings_of
from search.verdict.advice import KEEP


def test_it_is_the_search_that_was_written(done):
    run = read_finished(settings_of(done.run_dir))
    verdict = json.loads((done.run_dir / "verdict.json").read_text())
    assert run.verdict["sentence"] == verdict["sentence"]
    assert run.candidate.id == verdict["winner"]["genome_id"]
    assert run.advice["kind"] == KEEP and run.exported.id == done.problem.against.id
    assert list(run.policies) == [FOUND, done.primary]
    assert len(run.candidates) == done.driver.budget and not run.front
    assert run.info["libraries"] == json.loads((done.run_dir / "run_info.json").read_text())["libraries"]


def test_settings_are_those_of_the_configuration(done):
    settings = settings_of(done.run_dir)
    assert settings.problem.mapping() == load_mapping(done.run_dir / "scenario.yaml")
    assert {name: policy.id for name, policy in settings.baselines.items()} == {
        name: policy.id for name, policy in done.baselines.items()
    }
