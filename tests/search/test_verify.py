"""A bundle is proved again from itself alone, and whatever does not hold is said."""

import json
import shutil
from dataclasses import replace

import pytest

from blis.cli.main import main as blis
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.yaml_strict import dump_yaml
from search.__main__ import run
from search.run_folder.export import bundle_text
from search.verify import verify
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished search of another machine: nothing but its bundles is left."""
    made = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)
        run(small_settings(made, "primary=round-robin"))
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("best_policy.yaml", "best_candidate.yaml"):
        shutil.copy(made / name, elsewhere)
    return elsewhere


def changed(folder, name, **verdict):
    """The bundle with other numbers in its proof."""
    bundle = load_bundle(folder / "best_candidate.yaml")
    told = bundle.provenance
    path = folder / name
    path.write_text(bundle_text(replace(bundle, provenance={**told, "verdict": {**told["verdict"], **verdict}})))
    return path


def test_every_number_holds(folder, capsys):
    assert blis(["verify", str(folder / "best_policy.yaml")]) == 0
    out = capsys.readouterr().out
    assert out.rstrip().endswith("Every one of 9 lines holds.")
    assert "differs" not in out


def test_a_number_that_does_not_hold_is_named(folder, capsys):
    path = changed(folder, "wrong.yaml", mean=0.5)
    assert blis(["verify", str(path), "--output", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] is False
    assert [line["what"] for line in found["lines"] if not line["holds"]] == ["mean"]


@pytest.mark.parametrize(
    ("verdict", "broken"),
    [
        ({"outcome": "no significant winner"}, ["outcome"]),
        ({"outcome": None, "t": None}, ["outcome", "t high", "t low"]),
        ({"t": [0.5]}, ["t high", "t low"]),
        ({"bca": [0.5, 0.5, 0.5]}, ["bca 3", "bca high", "bca low"]),
        ({"tables": 5}, ["tables"]),
        ({"advice": "rule", "mean": float("nan")}, ["mean"]),
    ],
)
def test_what_is_claimed_or_left_out_must_be_so(folder, verdict, broken):
    lines = verify(load_bundle(changed(folder, "claims.yaml", **verdict)))
    assert sorted(line.what for line in lines if not line.holds) == broken


def test_a_rule_is_advised_because_it_is_better(folder):
    """Here it is the round-robin of the primary baseline itself, which is not better than that."""
    told = load_bundle(changed(folder, "rule.yaml", advice="rule", outcome="no significant winner"))
    rule = replace(load_bundle({"routing": {"policy": "round-robin"}}), provenance=told.provenance)
    assert [(line.then, line.now) for line in verify(rule) if line.what == "advice"] == [("rule", "keep")]


@pytest.mark.parametrize("name", ["../outside", "sub/inside", "", "ü"])
def test_the_name_of_a_baseline_is_no_place_for_a_file(folder, name):
    bundle = load_bundle(folder / "best_candidate.yaml")
    problem = {**bundle.provenance["problem"], "name": str(folder / name) if name else name}
    before = sorted(folder.rglob("*"))
    assert all(line.holds for line in verify(replace(bundle, provenance={**bundle.provenance, "problem": problem})))
    assert sorted(folder.rglob("*")) == before


def test_a_baseline_that_is_none_is_named(folder):
    bundle = load_bundle(folder / "best_candidate.yaml")
    problem = {**bundle.provenance["problem"], "primary": {"routing": {"polcy": "random"}}}
    with pytest.raises(InputError, match=r"^provenance\.problem\.primary: .*did you mean 'policy'"):
        list(verify(replace(bundle, provenance={**bundle.provenance, "problem": problem})))


def test_a_trace_where_there_was_none_is_refused(folder, capsys):
    assert blis(["verify", str(folder / "best_candidate.yaml"), "--trace", "traffic.jsonl"]) == 2
    assert "it was not proved on a trace" in capsys.readouterr().err


def test_another_simulator_is_said(folder, capsys):
    bundle = load_bundle(folder / "best_candidate.yaml")
    told = bundle.provenance
    other = {**told, "run": {**told["run"], "engine": "000000000000"}}
    lines = {line.what: line for line in verify(replace(bundle, provenance=other))}
    assert not lines["simulator"].holds and not lines["simulator"].number
    assert lines["mean"].holds


def test_who_changes_the_policy_has_another_proof(folder):
    bundle = load_bundle(folder / "best_candidate.yaml")
    other = replace(load_bundle({"routing": {"policy": "power-of-two"}}), provenance=bundle.provenance)
    assert not all(line.holds for line in verify(other))


@pytest.mark.parametrize(
    ("provenance", "message"),
    [
        ({}, "provenance has no `problem`"),
        ({"problem": {"seed": 1}}, "missing key provenance.problem.name"),
        ({"problem": 3}, "provenance.problem"),
    ],
)
def test_a_bundle_without_a_proof_is_refused(tmp_path, capsys, provenance, message):
    dump_yaml({"scheduler": "fcfs", "provenance": provenance}, tmp_path / "bundle.yaml")
    assert blis(["verify", str(tmp_path / "bundle.yaml")]) == 2
    assert message in capsys.readouterr().err


def test_what_runs_today_claims_nothing(folder, capsys):
    bundle = load_bundle(folder / "best_candidate.yaml")
    kept = {**bundle.provenance, "verdict": {"outcome": "no significant winner", "advice": "keep"}}
    (folder / "kept.yaml").write_text(bundle_text(replace(bundle, provenance=kept)))
    assert blis(["verify", str(folder / "kept.yaml")]) == 2
    assert "it is the primary baseline" in capsys.readouterr().err
