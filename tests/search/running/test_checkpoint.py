"""Resuming: a search that was interrupted or killed ends with the bytes of one that ran through."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from blis.engine.run import simulate
from blis.errors import InputError
from blis.files import write_text
from search.__main__ import run
from search.application import EXIT_INTERRUPTED, EXIT_OK
from search.running.checkpoint import begin
from search.running.evaluation import INVALID, STOPPED
from search.saved import FILE, read_saved, saved_text
from tests.places import CONF
from tests.search.small import SMALL, small_settings, without_pictures

CANONICAL = ("candidates.csv", "best_policy.yaml", "best_candidate.yaml", "verdict.json")


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    """Leaves out the picture, half of the time of a small run."""
    without_pictures(monkeypatch)


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


@pytest.mark.parametrize("aim", ["worst", pytest.param("cvar", marks=pytest.mark.slow)])
def test_a_robust_search_too_whatever_the_workers(tmp_path, aim):
    robust = [f"fitness.robust={aim}", "shifts=[rate x1.2, one instance less]", "validation.robust=true"]
    assert run(small_settings(tmp_path / "through", *robust)) == EXIT_OK
    broken, _ = interrupted_at(small_settings(tmp_path / "run", *robust), call=60)
    assert run(broken) == EXIT_INTERRUPTED
    again = small_settings(tmp_path / "unused", *robust, f"resume={tmp_path / 'run'}", "parallel.n_jobs=2")
    assert run(again) == EXIT_OK
    assert canonical(tmp_path / "run") == canonical(tmp_path / "through")
    header = (tmp_path / "run" / "candidates.csv").read_text().splitlines()[0].split(",")
    assert "rate x1.2" in header and "one instance less" in header


def test_a_race_too_whatever_the_workers(tmp_path):
    race = ["driver.race={error: 0.2, band: 0.0}", "validation.search_seeds=5"]
    assert run(small_settings(tmp_path / "through", *race)) == EXIT_OK
    broken, _ = interrupted_at(small_settings(tmp_path / "run", *race), call=75)
    assert run(broken) == EXIT_INTERRUPTED
    assert generations(tmp_path / "run") == 2
    again = small_settings(tmp_path / "unused", *race, f"resume={tmp_path / 'run'}", "parallel.n_jobs=2")
    assert run(again) == EXIT_OK
    assert canonical(tmp_path / "run") == canonical(tmp_path / "through")
    statuses = [row.evaluation["status"] for row in read_saved(tmp_path / "run").rows]
    assert 5 < statuses.count(STOPPED) < 29


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished search of 2 generations."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
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


@pytest.mark.parametrize("driver", ["deap_ga", "optuna_tpe"])
@pytest.mark.parametrize("before", [20, 23])
def test_a_finished_search_goes_on_to_a_larger_budget(tmp_path, driver, before):
    """Whether its last generation was whole or not, it ends as if it had that budget from the start."""
    choice = f"driver={driver}"
    assert run(small_settings(tmp_path / "through", choice)) == EXIT_OK
    assert run(small_settings(tmp_path / "run", choice, f"driver.budget={before}")) == EXIT_OK
    extended, calls = interrupted_at(small_settings(tmp_path, choice, f"resume={tmp_path / 'run'}"), call=-1)
    archive = begin(extended)[2]
    assert len(archive.rows) == 20
    assert calls == []
    assert run(extended) == EXIT_OK
    assert canonical(tmp_path / "run") == canonical(tmp_path / "through")


def test_a_budget_below_what_was_evaluated_is_refused(finished):
    with pytest.raises(InputError, match=r"driver\.budget=19 is below the 20 candidates that were evaluated"):
        begin(resumed(finished, "driver.budget=19"))


def test_a_driver_that_cannot_go_on_is_one_line(finished, tmp_path):
    """Its state is what no one else understands; the digest is right."""
    saved = read_saved(finished)
    for state in ({}, {**saved.candidates, "driver": {**saved.candidates["driver"], "rng": [3, [1, 2], None]}}):
        content = {**vars(saved), "candidates": state}
        rows = [json.dumps(vars(row)) for row in content.pop("rows")]
        write_text(tmp_path / FILE, saved_text({key: content[key] for key in content if key != "about"}, rows))
        with pytest.raises(InputError, match=f"resume: {tmp_path}/{FILE}: the state of the driver: "):
            begin(resumed(tmp_path))


KEYS = {**SMALL, "tracking": "none", "driver.budget": 60, "validation.random_policies": 0}
COMMAND = [sys.executable, "-m", "search"]


def started(folder, *overrides):
    """The real command, when its first checkpoint is there."""
    keys = [f"{key}={value}" for key, value in KEYS.items()]
    process = subprocess.Popen([*COMMAND, *keys, f"hydra.run.dir={folder}", *overrides], stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (folder / FILE).is_file() and time.monotonic() < deadline:
        time.sleep(0.002)
    return process


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """With the real command: kill -9 leaves a checkpoint, and nothing else is needed, not even the keys."""
    folder = tmp_path / "run"
    process = started(folder)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert not (folder / "candidates.csv").exists()
    assert generations(folder) < 6
    again = [f"resume={folder}", f"hydra.run.dir={tmp_path / 'empty'}", "parallel.n_jobs=2"]
    subprocess.run([*COMMAND, *again], check=True, stdout=subprocess.PIPE)
    assert not (tmp_path / "empty").exists()
    settings = small_settings(tmp_path / "through", "driver.budget=60", "validation.random_policies=0")
    assert run(settings) == EXIT_OK
    assert canonical(folder) == canonical(tmp_path / "through")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="who is whose child is read from /proc")
def test_terminated_says_so_and_leaves_no_worker_behind(tmp_path):
    process = started(tmp_path / "run", "parallel=processes", "parallel.n_jobs=2", "driver.budget=6000")
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.terminate()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == EXIT_INTERRUPTED
    assert b"Interrupted: nothing is proved" in out
    assert json.loads((tmp_path / "run" / "verdict.json").read_text())["outcome"] == "interrupted"
    assert children
    deadline = time.monotonic() + 30
    while (alive := [child for child in children if Path(f"/proc/{child}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert alive == []
