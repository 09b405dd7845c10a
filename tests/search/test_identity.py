"""One digest for everything that decides a result, and nothing else."""

from dataclasses import replace

import pytest

from blis.engine.run import source_digest
from blis.policies.bundle import load_bundle
from search.identity import origin, run_id, scenario_id
from search.version import code_digest
from tests.places import CONF
from tests.search.small import small_settings


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path)


def test_they_are_sixteen_hex_digits(settings):
    for name in (run_id(settings), scenario_id(settings)):
        assert len(name) == 16 and set(name) <= set("0123456789abcdef")


def test_the_order_of_keys_the_folder_and_the_workers_change_nothing(settings, tmp_path):
    shuffled = replace(settings, config=dict(reversed(settings.config.items())), run_dir=tmp_path / "elsewhere")
    assert run_id(shuffled) == run_id(settings)
    assert run_id(small_settings(tmp_path, "parallel.n_jobs=2")) == run_id(settings)


@pytest.mark.parametrize(
    "override",
    [
        *("seed=9", "driver.budget=41", "validation.worth=0.02", "search_space.engine.max_running.low=17"),
        *("driver=random", "fitness.robust=worst", "validation.shift_seeds=3", "shifts=[rate x1.2]"),
    ],
)
def test_what_decides_a_search_changes_its_id_but_not_the_scenarios(settings, tmp_path, override):
    other = small_settings(tmp_path, override)
    assert run_id(other) != run_id(settings)
    assert scenario_id(other) == scenario_id(settings)


@pytest.mark.parametrize("override", ["workload.seed=1", "workload.first=201", "cluster.cluster.instances=5"])
def test_another_scenario_is_another_search(settings, tmp_path, override):
    other = small_settings(tmp_path, override)
    assert run_id(other) != run_id(settings)
    assert scenario_id(other) != scenario_id(settings)


def test_a_baseline_enters_by_what_it_decides(settings):
    def with_another(bundle):
        changed = {**settings.baselines, "round-robin": settings.problem.policy(bundle)}
        return run_id(replace(settings, baselines=changed))

    assert with_another(load_bundle({"routing": {"policy": "random"}})) != run_id(settings)
    explained = replace(settings.baselines["round-robin"].bundle, provenance={"why": "for people"})
    assert with_another(explained) == run_id(settings)


def test_a_seed_enters_by_what_it_decides_and_not_by_its_path(settings, tmp_path):
    text = (CONF / "policy" / "lmetric.yaml").read_text()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.yaml").write_text(text)
    ids = [run_id(small_settings(tmp_path, f"seeds=[{tmp_path}/{folder}/mine.yaml]")) for folder in ("a", "b")]
    assert ids[0] == ids[1] != run_id(settings)


@pytest.mark.parametrize("name", ["code_digest", "libraries"])
def test_the_version_of_what_decides_is_part_of_a_run(settings, monkeypatch, name):
    before, scenario = run_id(settings), scenario_id(settings)
    monkeypatch.setattr(f"search.identity.{name}", lambda: "another")
    assert run_id(settings) != before
    assert scenario_id(settings) == scenario


def test_files_say_which_search_and_which_version_they_come_from(settings):
    assert origin(settings) == {
        "run_id": run_id(settings),
        "scenario": scenario_id(settings),
        "engine": source_digest(),
        "code": code_digest(),
    }
