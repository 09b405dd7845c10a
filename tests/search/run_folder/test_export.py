"""The run folder: every file or none, with the proof beside the policy and the clock apart."""

import json
from dataclasses import replace

import pytest

from blis.engine.run import source_digest
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.yaml_strict import load_mapping, parse_yaml
from search.identity import run_id, scenario_id
from search.problem.policy import Policy
from search.run_folder.export import Stopwatch, best_candidate, best_policy, bundle_text, write_run, write_run_info
from search.running.archive import Archive
from search.verdict.advice import RULE, Advice, keep
from search.verdict.verdict import INTERRUPTED, Question, SoFar, Verdict
from search.version import code_digest
from tests.search.small import small_settings
from tests.search.verdict.comparisons import POLICY, drawn_verdict, interval, trace_verdict

NOTHING = Archive((), ())
RULE_BUNDLE = load_bundle({"routing": {"policy": "round-robin"}})
RULE_POLICY = Policy(RULE_BUNDLE, RULE_BUNDLE, None, "ba9876543210")


def unproved(score):
    so_far = SoFar(3, "0123456789ab", score)
    question = Question("llm-d", 1, True, {"search": [1]})
    return Verdict(INTERRUPTED, "Nothing is proved.", POLICY, keep("llm-d", RULE_POLICY), question, so_far)


@pytest.fixture
def settings(tmp_path):
    return small_settings(tmp_path / "run")


def test_a_policy_carries_where_it_came_from_and_what_is_proved(settings):
    bundle = best_policy(settings, drawn_verdict())
    assert replace(bundle, provenance={}) == POLICY.bundle
    found = bundle.provenance
    run = {"run_id": run_id(settings), "scenario": scenario_id(settings), "seed": 1}
    assert found["run"] == {**run, "engine": source_digest(), "code": code_digest()}
    assert (found["sentence"], found["tables"]) == ("It is so.", {"report": "2 of pool/report"})
    assert found["verdict"] == {
        "outcome": "winner",
        "advice": "candidate",
        "against": settings.primary,
        "mean": pytest.approx(0.06),
        "t": [0.05, 0.07],
        "bca": [0.05, 0.07],
        "bootstrap": "BCa",
        "tables": 32,
    }


def test_on_a_trace_the_proof_has_blocks(settings):
    provenance = best_policy(settings, trace_verdict()).provenance
    proof = provenance["verdict"]
    assert (proof["interval"], proof["blocks"], proof["block_s"]) == ([0.05, 0.07], 12, 2.5)
    assert provenance["tables"] == {"report": "99 requests from 7.5 s to 20 s"}


def test_what_is_not_proved_claims_nothing(settings):
    provenance = best_policy(settings, unproved(0.5)).provenance
    assert provenance["verdict"] == {"outcome": INTERRUPTED, "advice": "keep", "name": "llm-d"}
    assert (provenance["sentence"], provenance["tables"]) == ("Nothing is proved.", {"search": "1 of pool/search"})


def test_where_a_bundle_comes_from_is_its_last_six_lines(settings):
    bundle = best_policy(settings, drawn_verdict())
    text = bundle_text(bundle)
    head, *lines = text[text.index("provenance:") :].splitlines()
    assert (head, len(lines)) == ("provenance:", 5)
    assert load_bundle(parse_yaml(text, "bundle")) == bundle


def test_the_files_give_everything_back(settings):
    write_run(settings, NOTHING, unproved(0.1 + 0.2))
    folder = settings.run_dir
    names = [
        "best_candidate.yaml",
        "best_policy.yaml",
        "candidates.csv",
        "config.yaml",
        "scenario.yaml",
        "verdict.json",
    ]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert load_mapping(folder / "config.yaml") == json.loads(json.dumps(settings.config))
    assert load_mapping(folder / "scenario.yaml") == json.loads(json.dumps(settings.problem.mapping()))
    assert (folder / "candidates.csv").read_text() == NOTHING.csv_text()
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["winner"]["search"] == 0.1 + 0.2
    assert (verdict["run_id"], verdict["outcome"]) == (run_id(settings), INTERRUPTED)
    bundles = {name: load_bundle(folder / f"best_{name}.yaml") for name in ("policy", "candidate")}
    assert replace(bundles["policy"], provenance={}) == RULE_POLICY.bundle
    assert replace(bundles["candidate"], provenance={}) == POLICY.bundle
    assert verdict["candidate"] == bundle_mapping(POLICY.bundle)
    assert verdict["policy"] == bundle_mapping(RULE_POLICY.bundle)


def test_a_search_without_a_candidate_exports_what_runs_today(settings):
    write_run(settings, NOTHING, replace(unproved(0.5), candidate=None))
    assert replace(load_bundle(settings.run_dir / "best_policy.yaml"), provenance={}) == RULE_POLICY.bundle
    assert not (settings.run_dir / "best_candidate.yaml").exists()


def test_a_rule_carries_its_own_proof(settings):
    found = drawn_verdict()
    verdict = replace(found, advice=Advice(RULE, "blis", RULE_POLICY, interval(0.02, 0.04)))
    rule, candidate = best_policy(settings, verdict), best_candidate(settings, verdict)
    assert replace(rule, provenance={}) == RULE_POLICY.bundle
    told = {key: rule.provenance["verdict"][key] for key in ("advice", "name", "t")}
    assert told == {"advice": "rule", "name": "blis", "t": [0.02, 0.04]}
    assert candidate is not None and candidate.provenance["verdict"]["t"] == [0.05, 0.07]


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
