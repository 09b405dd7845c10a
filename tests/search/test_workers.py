"""Parallel work: the same results in the same order."""

import threading
import time

import pytest

from blis.errors import InputError
from search.workers import Workers


def slow_first(number):
    time.sleep(0.02 if number == 0 else 0)
    return number


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_results_come_in_the_order_of_the_tasks(n_jobs):
    assert list(Workers(n_jobs).map(slow_first, [(n,) for n in range(40)])) == list(range(40))


def test_tasks_are_argument_lists_and_there_may_be_none():
    assert list(Workers(2).map(pow, [(2, 3), (3, 2)])) == [8, 9]
    assert list(Workers(2).map(pow, [])) == []


def test_several_work_at_once_and_one_alone_stays_in_this_thread():
    barrier = threading.Barrier(2, timeout=20)
    assert set(Workers(2).map(lambda _: barrier.wait(), [(n,) for n in range(2)])) == {0, 1}
    here = threading.get_ident()
    assert set(Workers(1).map(lambda _: threading.get_ident(), [(n,) for n in range(3)])) == {here}


def test_results_come_as_they_are_ready():
    assert next(Workers(1).map(slow_first, [(1,), (None, "too many")])) == 1


@pytest.mark.parametrize("n_jobs", [0, -2, True, 1.5, "2"])
def test_impossible_numbers_of_workers(n_jobs):
    with pytest.raises(InputError, match=r"parallel\.n_jobs must be -1 \(one per core\) or a whole number above 0"):
        Workers(n_jobs)


@pytest.mark.parametrize("name", ["thread", "multiprocessing"])
def test_a_backend_that_there_is_not(name):
    with pytest.raises(InputError, match=f"unknown parallel.backend '{name}'.*choose one of: dask, loky, ray, thread"):
        Workers(2, name)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_who_watches_hears_of_every_task(n_jobs):
    heard = []
    workers = Workers(n_jobs)
    list(workers.map(pow, [(2, 3)] * 3))
    assert list(workers.watched(heard.append).map(pow, [(2, 3)] * 3)) == [8] * 3
    assert heard == [1] * 3
