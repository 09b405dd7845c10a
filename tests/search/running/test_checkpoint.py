"""Resuming: a search that was interrupted or killed ends with the bytes of one that ran through."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from blis.engine.run import simulate
from blis.errors import InputError
from search.__main__ import run
from search.application import EXIT_INTERRUPTED, EXIT_OK
from search.running.checkpoint import FILE, begin
from search.running.evaluator import INVALID
from search.version import libraries
from tests.places import CONF
from tests.search.small import SMALL, small_settings

CANONICAL = ("candidates.csv", "best_policy.yaml", "verdict.json")


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Leaves out the picture, half of the time of a small run."""
    monkeypatch.setattr("search.__main__.write_overview", lambda *arguments: None)


def interrupted_at(settings, call):
    """The same search with Ctrl-C in a simulation."""
    calls = []

    def simulate_some(scenario, table):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return simulate(scenario, table)

    return replace(settings, problem=replace(settings.problem, simulate=simulate_some)), calls


def canonical(folder: Path):
    return [(folder / name).read_bytes() for name in CANONICAL]


def generations(folder: Path):
    return json.loads((folder / FILE).read_text())["generation"] + 1


@pytest.mark.parametrize("driver", sorted(path.stem for path in CONF.glob("driver/*.yaml")))
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, driver):
    choice = f"driver={driver}"
    assert run(small_settings(tmp_path / "through", choice)) == EXIT_OK
    broken, _ = interrupted_at(small_settings(tmp_path / "run", choice), call=60)  # in the third of four generations
    assert run(broken) == EXIT_INTERRUPTED
    assert generations(tmp_path / "run") == 2
    assert canonical(tmp_path / "run") != canonical(tmp_path / "through")
    elsewhere = small_settings(tmp_path / "unused", choice, f"resume={tmp_path / 'run'}", "parallel.n_jobs=2")
    assert run(elsewhere) == EXIT_OK
    assert canonical(tmp_path / "run") == canonical(tmp_path / "through")
    assert not (tmp_path / "unused").exists()


def test_interrupted_in_the_first_generation_between_baselines(tmp_path):
    """Baselines that were not evaluated yet are still to come."""
    small = ["search_space=routing_weights", "driver.batch=3"]
    assert run(small_settings(tmp_path / "through", *small)) == EXIT_OK
    broken, _ = interrupted_at(small_settings(tmp_path / "run", *small), call=10)
    assert run(broken) == EXIT_INTERRUPTED
    assert generations(tmp_path / "run") == 1
    assert run(small_settings(tmp_path / "run", *small, f"resume={tmp_path / 'run'}")) == EXIT_OK
    assert canonical(tmp_path / "run") == canonical(tmp_path / "through")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished search of 2 generations."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)
        assert run(small_settings(folder, "driver.budget=20")) == EXIT_OK
    return folder


def resumed(folder, *overrides):
    return small_settings(folder, "driver.budget=20", f"resume={folder}", *overrides)


def test_a_finished_search_is_only_judged_again(finished):
    before = canonical(finished)
    settings, calls = interrupted_at(resumed(finished), call=-1)
    _, evaluator, archive = begin(settings)
    assert len(archive.rows) == 20
    evaluator.evaluate([row.policy for row in archive.rows if row.policy is not None])
    assert calls == []  # what was evaluated before is remembered
    assert run(settings) == EXIT_OK
    assert canonical(finished) == before


def test_the_archive_comes_back_as_it_was(finished, tmp_path):
    _, _, archive = begin(resumed(finished))
    assert archive.csv_text() == (finished / "candidates.csv").read_text()
    assert all((row.policy is None) == (row.evaluation.status == INVALID) for row in archive.rows)


def test_the_checkpoint_is_readable(finished):
    lines = (finished / FILE).read_text().splitlines()
    assert "To go on: python -m search <the same keys> resume=<this folder>" in lines[1]
    assert sum(line.startswith('{"index": ') for line in lines) == 20


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=3"], "was started with seed=1 (not 3); give the same keys again"),
        (["validation.finalists=2"], "was started with validation.finalists=3 (not 2); give the same keys again"),
        (["driver.batch=5", "workload.first=100"], "workload.first=200 (not 100), driver.batch=10 (not 5)"),
        (["workload=chat_bursty"], "workload.name=chat_prefix (not chat_bursty)"),
        (["driver=random"], "driver.name=deap_ga (not random), driver.options.population=40 (not null)"),
    ],
)
def test_another_configuration_is_refused_with_the_keys_that_differ(finished, overrides, message):
    with pytest.raises(InputError) as error:
        begin(resumed(finished, *overrides))
    assert message in str(error.value)
    assert str(finished) in str(error.value)


def test_many_differences_are_counted(finished):
    with pytest.raises(InputError, match=r"and [0-9]+ more; give the same keys again"):
        begin(resumed(finished, "search_space=engine_knobs"))


@pytest.mark.parametrize("override", ["parallel.n_jobs=2", "tracking=mlflow", "parallel=processes"])
def test_what_changes_no_result_may_differ(finished, override):
    _, _, archive = begin(resumed(finished, override))
    assert len(archive.rows) == 20


def test_another_baseline_library_or_code_is_refused(finished, monkeypatch):
    settings = resumed(finished)
    changed = {**settings.baselines, "round-robin": settings.baselines["least-loaded"]}
    with pytest.raises(InputError, match=r"other input files \(a baseline or the trace has changed\)"):
        begin(replace(settings, baselines=changed))
    older = {**libraries(), "numpy": "1.0"}
    monkeypatch.setattr("search.running.checkpoint.libraries", lambda: older)
    now = re.escape(libraries()["numpy"])
    with pytest.raises(InputError, match=f"other libraries: numpy {now} then, 1.0 now$"):
        begin(settings)
    monkeypatch.setattr("search.running.checkpoint.code_digest", lambda: "another")
    with pytest.raises(InputError, match="another version of the code; start a new search"):
        begin(settings)


def test_a_folder_without_a_usable_checkpoint(tmp_path):
    with pytest.raises(InputError, match="has no checkpoint"):
        begin(resumed(tmp_path))
    for text, message in (("{", "not a checkpoint: "), ("[1]", "not a checkpoint of this version")):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(InputError, match=message):
            begin(resumed(tmp_path))


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """With the real command: kill -9 leaves a checkpoint, and nothing else is needed."""
    keys = {**SMALL, "tracking": "none", "driver.budget": 60, "validation.random_policies": 0}
    command = [sys.executable, "-m", "search", *(f"{key}={value}" for key, value in keys.items())]
    folder = tmp_path / "run"
    process = subprocess.Popen([*command, f"hydra.run.dir={folder}"], stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (folder / FILE).is_file() and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert not (folder / "candidates.csv").exists()
    assert generations(folder) < 6
    again = [f"resume={folder}", f"hydra.run.dir={tmp_path / 'empty'}", "parallel.n_jobs=2"]
    subprocess.run([*command, *again], check=True, stdout=subprocess.PIPE)
    assert not (tmp_path / "empty").exists()
    settings = small_settings(tmp_path / "through", "driver.budget=60", "validation.random_policies=0")
    assert run(settings) == EXIT_OK
    assert canonical(folder) == canonical(tmp_path / "through")
