"""The run folder: every file or none, with the proof beside the policy and the clock apart."""

import json
from dataclasses import replace

import pytest

from blis.jit import source_digest
from blis.policies.bundle import load_bundle
from blis.yaml_strict import load_mapping
from search.identity import run_id, scenario_id
from search.run_folder.export import Stopwatch, with_provenance, write_run, write_run_info
from search.running.archive import Archive
from search.verdict.verdict import Verdict
from tests.search.small import small_settings

POLICY = load_bundle({"routing": {"policy": "round-robin"}})
POOLS = {"search": [1], "selection": [2], "report": [3, 4]}
COMPARED = {"mean": 0.1, "t": [0.05, 0.15], "bca": [0.04, 0.16], "p": 0.01, "p_holm": 0.02, "tables": 2}


def verdict_of(**more):
    return Verdict("winner", "It wins.", POLICY, {"pools": POOLS, **more})


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path / "run")


def test_a_policy_carries_where_it_came_from_and_what_is_proved(settings):
    bundle = with_provenance(settings, verdict_of(baselines={settings.primary: COMPARED, "other": {}}))
    assert replace(bundle, provenance={}) == POLICY
    found = bundle.provenance
    assert (found["run_id"], found["scenario"], found["seed"]) == (run_id(settings), scenario_id(settings), 1)
    assert found["engine"] == source_digest()
    assert found["tables"] == POOLS
    assert found["verdict"] == {
        "outcome": "winner",
        "sentence": "It wins.",
        "against": settings.primary,
        **{key: COMPARED[key] for key in ("mean", "t", "bca", "tables")},
    }


def test_what_is_not_proved_claims_nothing(settings):
    proof = with_provenance(settings, verdict_of()).provenance["verdict"]
    assert proof == {"outcome": "winner", "sentence": "It wins."}


def test_the_files_give_everything_back(settings):
    write_run(settings, Archive(("a",)), verdict_of(extra=0.1 + 0.2))
    folder = settings.run_dir
    names = ["best_policy.yaml", "candidates.csv", "config.yaml", "scenario.yaml", "verdict.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert load_mapping(folder / "config.yaml") == json.loads(json.dumps(settings.config))
    assert load_mapping(folder / "scenario.yaml") == json.loads(json.dumps(settings.problem.mapping()))
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["extra"] == 0.1 + 0.2
    assert (verdict["run_id"], verdict["outcome"]) == (run_id(settings), "winner")
    assert replace(load_bundle(folder / "best_policy.yaml"), provenance={}) == POLICY


def test_one_file_that_cannot_be_made_leaves_none(settings):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_run(settings, Archive(()), verdict_of(extra=float("nan")))
    assert not settings.run_dir.exists()


def test_what_depends_on_clock_and_machine_is_apart(settings):
    watch = Stopwatch()
    with pytest.raises(KeyboardInterrupt), watch.part("search"):
        raise KeyboardInterrupt
    with watch.part("search"):
        pass
    assert list(watch.seconds) == ["search"] and watch.seconds["search"] > 0
    write_run_info(settings, Archive(()), watch)
    info = json.loads((settings.run_dir / "run_info.json").read_text())
    assert (info["candidates"], info["workers"], info["simulations_per_candidate"]) == (0, 1, 2)
    assert (info["tracking"], info["folder"]) == (None, str(settings.run_dir))
    assert set(info["libraries"]) >= {"numpy", "numba", "optuna"}
