"""Searches on processes and clusters: the same bytes as on threads, and a table travels once."""

import json
import os
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from blis.errors import EngineError, InputError
from search.__main__ import run
from search.application import EXIT_OK
from search.clusters import CLUSTERS, Dask, Processes, unpacked
from search.workers import Workers
from tests.search.clusters_here import CONNECTING, PROCESSES, dying, dying_once, running, simulate_dying_once
from tests.search.small import small_settings, with_simulation, without_pictures

TWO = "parallel.n_jobs=2"


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    without_pictures(monkeypatch)


def results(folder: Path):
    files = [(folder / name).read_bytes() for name in ("candidates.csv", "best_policy.yaml", "verdict.json")]
    return json.loads(files[-1])["run_id"], files


@pytest.fixture(scope="module")
def on_threads(tmp_path_factory):
    """The results of a small search on one thread."""
    folder = tmp_path_factory.mktemp("threads")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(small_settings(folder, "driver.budget=24")) == EXIT_OK
    return results(folder)


@pytest.mark.parametrize("backend", ["threads", *PROCESSES])
def test_a_search_gives_the_same_bytes_on_every_backend(tmp_path, on_threads, backend):
    settings = small_settings(tmp_path / "run", "driver.budget=24", TWO, f"parallel={backend}")
    assert run(settings) == EXIT_OK
    assert results(tmp_path / "run") == on_threads


@pytest.mark.slow
@pytest.mark.parametrize("backend", PROCESSES)
def test_a_worker_killed_in_the_middle_of_a_search_changes_nothing(tmp_path, on_threads, backend):
    (tmp_path / "marker").mkdir()
    settings = small_settings(tmp_path / "run", "driver.budget=24", TWO, f"parallel={backend}")
    settings = with_simulation(settings, partial(simulate_dying_once, str(tmp_path / "marker")))
    assert run(settings) == EXIT_OK
    assert (tmp_path / "marker" / "dead").exists()
    assert results(tmp_path / "run") == on_threads


@pytest.mark.slow
@pytest.mark.parametrize("backend", PROCESSES)
def test_tasks_of_a_worker_that_dies_are_done_again(tmp_path, backend):
    with Workers(2, backend) as workers:
        tasks = [(tmp_path / "dead", number) for number in range(8)]
        assert list(workers.map(dying_once, tasks)) == list(range(8))


@pytest.mark.slow
@pytest.mark.parametrize("backend", PROCESSES)
def test_a_task_that_kills_every_worker_is_one_line(backend):
    told = f"parallel.backend {backend}: workers die with their tasks again and again"
    with Workers(2, backend) as workers, pytest.raises(EngineError, match=told):
        list(workers.map(dying, [(1,), (2,)]))


def address_and_pid(thing):
    """Who has the thing, and where."""
    return os.getpid(), id(thing), float(thing.sum())


@pytest.mark.parametrize("backend", PROCESSES)
def test_a_shared_thing_is_one_object_a_worker_from_one_map_to_the_next(backend):
    thing = np.arange(100_000.0)
    with Workers(2, backend) as workers:
        tasks = [(workers.shared(thing),)] * 12
        seen = [*workers.map(address_and_pid, tasks), *workers.map(address_and_pid, tasks)]
    assert {total for *_, total in seen} == {thing.sum()}
    assert len({(pid, place) for pid, place, _ in seen}) == len({pid for pid, *_ in seen}) <= 2


def test_a_task_is_small_however_large_what_it_shares():
    thing = np.arange(100_000.0)
    cluster = Processes(2, None)
    task = pickle.dumps((unpacked, address_and_pid, cluster.share(thing)))
    assert len(task) < 1000
    function, *arguments = pickle.loads(task)
    assert function(*arguments)[2] == thing.sum()
    assert cluster.share(thing) is cluster.share(thing)
    cluster.close()


def test_threads_share_the_thing_itself():
    thing = np.arange(3)
    assert Workers(2, "threads").shared(thing) is thing
    assert Workers(1, "loky").shared(thing) is thing  # one alone works in this process


@pytest.mark.parametrize("name", ["threads", "loky"])
def test_what_works_on_this_machine_has_no_address(name):
    with pytest.raises(InputError, match=f"parallel.address must be null with parallel.backend={name}"):
        Workers(2, name, "tcp://127.0.0.1:8786")


def test_a_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(Dask, "package", "no_such_package")
    with pytest.raises(InputError, match=r"parallel.backend 'dask' is not installed: pip install 'blis\[dask\]'"):
        Workers(2, "dask")


@pytest.mark.parametrize("backend", CONNECTING)
@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense://x:1"])
def test_an_address_where_nobody_answers(backend, address, monkeypatch):
    monkeypatch.setattr("search.clusters.CONNECT_S", 2)
    with (
        pytest.raises(InputError, match=f"parallel.address: no .* answers at '{address}': "),
        Workers(2, backend, address),
    ):
        pass


@pytest.mark.parametrize("backend", CONNECTING[:1])
def test_a_cluster_that_runs_is_used_and_left_running(tmp_path, on_threads, backend):
    with running() as address:
        for name in ("first", "second"):
            there = [f"parallel={backend}", f"parallel.address={address}"]
            assert run(small_settings(tmp_path / name, "driver.budget=24", TWO, *there)) == EXIT_OK
            assert results(tmp_path / name) == on_threads


def test_the_name_of_threads_in_earlier_run_folders_is_understood():
    assert CLUSTERS["threading"] is CLUSTERS["threads"]
