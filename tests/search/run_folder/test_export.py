"""The run folder: every file or none, with the proof beside the policy and the clock apart."""

import json
from dataclasses import replace

import pytest

from blis.engine.run import source_digest
from blis.policies.bundle import load_bundle
from blis.yaml_strict import load_mapping
from search.identity import run_id, scenario_id
from search.run_folder.export import Stopwatch, with_provenance, write_run, write_run_info
from search.running.archive import Archive
from search.verdict.verdict import INTERRUPTED, Question, SoFar, Verdict
from search.version import code_digest
from tests.search.small import small_settings
from tests.search.verdict.comparisons import POLICY, drawn_verdict, trace_verdict

NOTHING = Archive((), ())


def unproved(score):
    so_far = SoFar(3, "0123456789ab", score)
    return Verdict(INTERRUPTED, "Nothing is proved.", POLICY, Question("llm-d", 1, True, {"search": [1]}), so_far)


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path / "run")


def test_a_policy_carries_where_it_came_from_and_what_is_proved(settings):
    bundle = with_provenance(settings, drawn_verdict())
    assert replace(bundle, provenance={}) == POLICY.bundle
    found = bundle.provenance
    assert (found["run_id"], found["scenario"], found["seed"]) == (run_id(settings), scenario_id(settings), 1)
    assert (found["engine"], found["code"]) == (source_digest(), code_digest())
    assert found["tables"] == {"report": [7, 8]}
    assert found["verdict"] == {
        "outcome": "winner",
        "sentence": "It is so.",
        "against": settings.primary,
        "mean": pytest.approx(0.06),
        "t": [0.05, 0.07],
        "bca": [0.05, 0.07],
        "bootstrap": "BCa",
        "tables": 32,
    }


def test_on_a_trace_the_proof_has_blocks(settings):
    proof = with_provenance(settings, trace_verdict()).provenance["verdict"]
    assert (proof["interval"], proof["blocks"], proof["block_s"]) == ([0.05, 0.07], 12, 2.5)


def test_what_is_not_proved_claims_nothing(settings):
    proof = with_provenance(settings, unproved(0.5)).provenance["verdict"]
    assert proof == {"outcome": INTERRUPTED, "sentence": "Nothing is proved."}


def test_the_files_give_everything_back(settings):
    write_run(settings, NOTHING, unproved(0.1 + 0.2))
    folder = settings.run_dir
    names = ["best_policy.yaml", "candidates.csv", "config.yaml", "scenario.yaml", "verdict.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert load_mapping(folder / "config.yaml") == json.loads(json.dumps(settings.config))
    assert load_mapping(folder / "scenario.yaml") == json.loads(json.dumps(settings.problem.mapping()))
    assert (folder / "candidates.csv").read_text() == NOTHING.csv_text()
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["winner"]["search"] == 0.1 + 0.2
    assert (verdict["run_id"], verdict["outcome"]) == (run_id(settings), INTERRUPTED)
    assert replace(load_bundle(folder / "best_policy.yaml"), provenance={}) == POLICY.bundle


def test_one_file_that_cannot_be_made_leaves_none(settings):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_run(settings, NOTHING, unproved(float("nan")))
    assert not settings.run_dir.exists()


def test_what_depends_on_clock_and_machine_is_apart(settings):
    watch = Stopwatch()
    with pytest.raises(KeyboardInterrupt), watch.part("search"):
        raise KeyboardInterrupt
    with watch.part("search"):
        pass
    assert list(watch.seconds) == ["search"] and watch.seconds["search"] > 0
    write_run_info(settings, NOTHING, watch)
    info = json.loads((settings.run_dir / "run_info.json").read_text())
    assert (info["candidates"], info["workers"], info["simulations_per_candidate"]) == (0, 1, 2)
    assert (info["tracking"], info["folder"]) == (None, str(settings.run_dir))
    assert set(info["libraries"]) >= {"numpy", "numba", "optuna", "joblib"}
