"""conf/experiment/: every file names the command that runs it, and that command runs."""

import shlex
import sys

import pytest

from search.__main__ import main
from search.application import EXIT_OK
from tests.places import CONF
from tests.search.small import without_pictures

FILES = sorted((CONF / "experiment").glob("*.yaml"))

#: Two batches on short tables.
SHORT = {
    "seed": 1,
    "workload.first": 100,
    "driver.budget": 16,
    "driver.batch": 8,
    "parallel.n_jobs": 1,
    "tracking": "none",
    "validation.search_seeds": 1,
    "validation.selection_seeds": 2,
    "validation.report_seeds": 2,
    "validation.finalists": 2,
    "validation.random_policies": 0,
    "validation.shift_seeds": 2,
}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.slow if path.stem == "drivers_compared" else ())
        for path in FILES
    ],
)
def test_the_command_in_the_file_runs(path, tmp_path, monkeypatch, capsys):
    directive, command = path.read_text().splitlines()[:2]
    assert directive == "# @package _global_"
    words = shlex.split(command.removeprefix("# "))
    assert words == ["python", "-m", "search", f"experiment={path.stem}"]
    short = [f"{key}={value}" for key, value in SHORT.items()]
    folders = [f"hydra.run.dir={tmp_path}/0", f"hydra.sweep.dir={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["search", *words[3:], *short, *folders])
    without_pictures(monkeypatch)
    assert main() == EXIT_OK
    out, err = capsys.readouterr()
    assert err == ""
    verdicts = list(tmp_path.glob("*/verdict.json"))
    assert out.count("run folder: ") == len(verdicts) >= 1
    assert (len(verdicts) > 1) == ("MULTIRUN" in path.read_text())


def test_there_are_experiments():
    assert {"quickstart", "weights_only", "knobs_only", "drivers_compared", "fitness_original"} <= {
        path.stem for path in FILES
    }
    assert sum(path.stem.startswith("sibling_") for path in FILES) == 3
