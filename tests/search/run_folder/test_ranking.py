"""Ranking: what searches export against each other, on tables that none of them has seen."""

import shutil
import sys

import pytest
import yaml

from blis.comparison.statistics import paired_comparison
from blis.errors import InputError
from search.__main__ import main, run
from search.application import EXIT_INPUT, EXIT_OK
from search.run_folder.ranking import Ranking, rank
from search.running.evaluator import Evaluator
from tests.places import CONF
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three run folders of one problem that export rules of known order; the third has the first's."""
    folder = tmp_path_factory.mktemp("ranked")
    few = ["driver.budget=12", "driver.batch=12", "validation.explain=false"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)
        assert run(small_settings(folder / "good", *few)) == EXIT_OK
    for name in ("bad", "same"):
        shutil.copytree(folder / "good", folder / name)
    for name, policy in {"good": "lmetric", "bad": "least-loaded", "same": "lmetric"}.items():
        text = (CONF / "policy" / f"{policy}.yaml").read_text()
        (folder / name / "best_policy.yaml").write_text(text + "provenance: {verdict: {outcome: winner}}\n")
    return folder


def test_the_better_policy_comes_first_and_equal_ones_share_a_place(folders):
    found = rank([folders / name for name in ("bad", "good", "same")], 8)
    assert list(found.names) == [f"{folders}/good = {folders}/same", "llm-d-default", f"{folders}/bad"]
    assert found.scores[0] > found.scores[1] == 0 > found.scores[2]
    assert set(found.pairs) == {(0, 1), (0, 2), (1, 2)}
    assert {(0, 2), (1, 2)} <= set(found.apart)
    assert f"{found.pairs[0, 2].mean:+.3f}" in str(found)


def test_the_tables_are_of_no_pool_of_a_search(folders, monkeypatch):
    used = []

    def watched(problem, seeds, workers):
        used.extend(seeds)
        return Evaluator(problem, seeds, workers)

    monkeypatch.setattr("search.run_folder.ranking.Evaluator", watched)
    rank([folders / "good", folders / "bad"], 4)
    settings = small_settings(folders)
    seen = {seed for name in ("search", "selection", "report") for seed in settings.pool(f"pool/{name}", 100)}
    assert len({*used}) == 4 and not {*used} & seen


def test_it_does_not_depend_on_the_order_of_the_folders(folders):
    one = rank([folders / "good", folders / "bad"], 4)
    other = rank([folders / "bad", folders / "good"], 4)
    assert (one.names, one.scores, one.pairs) == (other.names, other.scores, other.pairs)


def test_only_what_holm_lets_through_is_told_apart():
    """One of three pairs is told apart alone, but not among three."""
    weak = paired_comparison([0.1, 0.2, 0.3, 0.02, 0.1, 0.02], 1)
    strong = paired_comparison([-0.3, -0.31, -0.29, -0.3, -0.32, -0.3], 1)
    assert weak.p_value < 0.05 < 2 * weak.p_value
    found = Ranking("abc", [0.3, 0.2, 0.1], {(0, 1): weak, (0, 2): weak, (1, 2): strong}, "b", 6)
    assert found.apart == [(2, 1)]  # the means say so, whatever the places
    assert "told apart (p below 0.05, Holm over 3 pairs): 3 > 2" in str(found)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("workload", {"aggregate_rate": 1.0}, "they differ in workload.aggregate_rate"),
        ("fitness", {"weights": {"ttft": 0.3}}, "they differ in fitness.weights.ttft"),
        ("cluster", {"cluster": {"instances": 3}}, "they differ in cluster.instances"),
    ],
)
def test_other_problems_are_refused(folders, tmp_path, key, value, message):
    other = tmp_path / "other"
    shutil.copytree(folders / "good", other)
    config = yaml.safe_load((other / "config.yaml").read_text())
    for name, part in value.items():
        config[key][name] = {**config[key][name], **part} if isinstance(part, dict) else part
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(InputError, match=f"{other} is of another problem than {folders}/good: .*{message}"):
        rank([folders / "good", other], 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["good"], "--rank compares two run folders or more"),
        (["good", "nowhere"], "nowhere is no run folder"),
        (["good", "."], ". holds no finished search: it has no verdict.json"),
        (["good", "bad", "--tables", "1"], "--tables must be in [2, 10000], got 1"),
        (["good", "bad", "--last", "2"], "--rank takes run folders; --last and --uri are of a store"),
    ],
)
def test_wrong_input_is_one_line(folders, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folders)
    monkeypatch.setattr(sys, "argv", ["search", "compare", "--rank", *arguments])
    assert main() == EXIT_INPUT
    assert capsys.readouterr() == ("", f"error: {message}\n")


def test_the_command_prints_the_table(folders, monkeypatch, capsys):
    monkeypatch.chdir(folders)
    monkeypatch.setattr(sys, "argv", ["search", "compare", "bad", "good", "--rank", "--tables", "4"])
    assert main() == EXIT_OK
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()[1:4]] == [["1", "good"], ["2", "llm-d-default"], ["3", "bad"]]
    assert (out.splitlines()[-1], err) == (
        "fitness against llm-d-default on 4 tables of pool/ranking, which no search saw",
        "",
    )
