"""A key is the same for the same score, and another for everything that decides it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import search.running.score_keys as score_keys
from blis.engine.run import simulate
from search.__main__ import run
from search.application import EXIT_OK
from search.running.checkpoint import begin
from search.running.loop import run_search
from search.running.score_keys import make_keys
from tests.search.small import small_settings, with_simulation, without_pictures

FILES = ("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json")


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    without_pictures(monkeypatch)


def key_of(folder, *overrides, name="llm-d-default", table=0):
    settings = small_settings(folder, *overrides)
    problem = settings.problem
    return make_keys(problem).of(settings.baselines[name], problem.search_seeds[table])


def test_the_same_score_has_the_same_key_in_another_search(tmp_path):
    other = ["driver=random", "seed=7", "validation.report_seeds=9", "search_space=routing_weights"]
    assert key_of(tmp_path) == key_of(tmp_path, *other)


@pytest.mark.parametrize(
    "overrides",
    [
        ["workload.first=199"],
        ["workload.seed=9"],
        ["cluster=h100x4_big_kv"],
        ["fitness=original"],
        ["fitness.weights.tail=0.9"],
        ["primary=round-robin"],
    ],
)
def test_another_problem_has_another_key(tmp_path, overrides):
    assert key_of(tmp_path) != key_of(tmp_path, *overrides)


def test_another_policy_table_or_code_has_another_key(tmp_path, monkeypatch):
    here = key_of(tmp_path)
    assert here != key_of(tmp_path, name="blis-default")
    assert here != key_of(tmp_path, table=1)
    monkeypatch.setattr(score_keys, "code_digest", lambda: "another")
    assert here != key_of(tmp_path)


def test_every_world_has_its_own_keys(tmp_path):
    problem = small_settings(tmp_path, "fitness.robust=mean", "shifts=[one instance less, signals 5 s old]").problem
    worlds = [problem, *problem.worlds.values()]
    assert len({make_keys(world).of(problem.against, problem.search_seeds[0]) for world in worlds}) == 3


def test_a_fitness_that_does_not_say_what_it_is_made_of_has_none(tmp_path):
    assert make_keys(replace(small_settings(tmp_path).problem, fitness=object())) is None


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["driver.race={error: 0.2, band: 0.0}", "validation.search_seeds=5"],
        ["fitness.robust=worst", "shifts=[rate x1.2, one instance less]"],
    ],
)
def test_a_warm_store_gives_the_same_bytes_and_nothing_is_simulated_again(tmp_path, overrides):
    store = f"evaluations.store=sqlite:///{tmp_path / 'scores.db'}"
    assert run(small_settings(tmp_path / "without", *overrides)) == EXIT_OK
    for name in ("cold", "warm"):
        assert run(small_settings(tmp_path / name, store, *overrides)) == EXIT_OK
        for file in FILES:
            assert (tmp_path / name / file).read_bytes() == (tmp_path / "without" / file).read_bytes()
    calls = []

    def counted(scenario, table):
        calls.append(1)
        return simulate(scenario, table)

    settings = with_simulation(small_settings(tmp_path / "counted", store, *overrides), counted)
    with settings.scores:
        candidates, evaluator, archive = begin(settings)
        run_search(candidates, evaluator, settings.driver, archive)
    assert (archive.csv_text(), calls) == ((tmp_path / "without" / "candidates.csv").read_text(), [])


def test_an_address_is_kept_without_its_secret(tmp_path):
    address = "postgresql://me:correct-horse@127.0.0.1:1/d"
    settings = small_settings(tmp_path, f"evaluations.store={address}", "driver.budget=20")
    assert "correct-horse" not in json.dumps(dict(settings.config))
