"""`blis-search report RUN` makes the page anew; without a search there one clear line."""

import json
import shutil
import sys
from dataclasses import replace

import pytest

from search.__main__ import main
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_OK
from search.report.page import PAGE


@pytest.fixture
def report(monkeypatch, capsys):
    """Runs `blis-search report <arguments>`; gives exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["blis-search", "report", *map(str, arguments)])
        return main(), *capsys.readouterr()

    return call


@pytest.fixture
def copied(done, tmp_path):
    shutil.copytree(done.run_dir, tmp_path, dirs_exist_ok=True)
    return replace(done, run_dir=tmp_path)


def test_it_makes_the_page_of_the_run_anew(done, copied, report):
    (copied.run_dir / PAGE).unlink()
    assert report(copied.run_dir) == (EXIT_OK, f"{copied.run_dir / PAGE}\n", "")
    assert (copied.run_dir / PAGE).read_bytes() == (done.run_dir / PAGE).read_bytes()


def test_a_folder_without_a_search(tmp_path, report):
    code, out, err = report(tmp_path)
    assert (code, out) == (EXIT_INPUT, "")
    assert err == f"error: {tmp_path} holds no finished search: it has no config.yaml\n"


@pytest.mark.parametrize("name", ["verdict.json", "best_policy.yaml", "scenario.yaml"])
def test_a_file_that_is_missing_is_named(copied, report, name):
    (copied.run_dir / name).unlink()
    code, _, err = report(copied.run_dir)
    assert code == EXIT_INPUT
    assert err.startswith(f"error: {copied.run_dir / name}: ") and err.count("\n") == 1


def test_a_configuration_of_another_version(copied, report):
    path = copied.run_dir / "config.yaml"
    path.write_text(path.read_text().replace("  explain: true\n", ""))
    assert report(copied.run_dir) == (EXIT_INPUT, "", f"error: {path}: missing key validation.explain\n")


def test_a_verdict_that_is_damaged(copied, report):
    (copied.run_dir / "verdict.json").write_text('{"sentence": ')
    code, _, err = report(copied.run_dir)
    assert code == EXIT_INPUT
    assert err.startswith(f"error: {copied.run_dir / 'verdict.json'}: not JSON: ")


@pytest.mark.parametrize("damage", [{"baselines": {"lmetric": None}}, {"advice": []}, {"advice": {"kind": "x"}}])
def test_a_verdict_of_another_form(copied, report, damage):
    path = copied.run_dir / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    code, out, err = report(copied.run_dir)
    assert (code, out, err.count("\n")) == (EXIT_INPUT, "", 1)
    assert err.startswith(f"error: {copied.run_dir}: its files are not as a search wrote them: ")


def test_a_full_disk(copied, report, monkeypatch):
    (copied.run_dir / PAGE).unlink()
    (copied.run_dir / PAGE).mkdir()
    code, _, err = report(copied.run_dir)
    assert code == EXIT_FAILURE
    assert err.startswith(f"error: {copied.run_dir / PAGE}: ")
