"""Parallel work on joblib: the same results in the same order, whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any, TypeVar

import joblib

from blis.errors import InputError, one_line

T = TypeVar("T")


class Workers:
    """A pool of `n_jobs` workers (-1 = one per core) on a joblib backend.

    Threads are the default: kernels release the GIL and share the request tables. Process backends need
    tasks that pickle. A registered backend (dask, ray) scales out without a change here.
    """

    def __init__(self, n_jobs: int = 1, backend: str = "threading") -> None:
        """Raises InputError for a number of workers or a backend that joblib does not take."""
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0 or n_jobs < -1:
            raise InputError(f"parallel.n_jobs must be -1 (one per core) or a whole number above 0, got {n_jobs!r}")
        try:
            self.count = int(joblib.effective_n_jobs(n_jobs))
            with joblib.parallel_config(backend=backend):
                pass
        except (ValueError, ImportError) as error:
            raise InputError(f"parallel.backend {backend!r} cannot be used: {one_line(error)}") from None
        try:
            with joblib.parallel_config(backend=backend):
                joblib.Parallel(return_as="generator")
        except ValueError:
            raise InputError(f"parallel.backend {backend!r} cannot be used: it gives no results one by one") from None
        self.n_jobs, self.backend = n_jobs, backend
        self._done: Callable[[int], None] = lambda _: None

    def watched(self, done: Callable[[int], None]) -> Workers:
        """The same workers; `done(1)` is called in this thread after every task."""
        workers = copy(self)
        workers._done = done
        return workers

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        """`function(*task)` for every task, in the order of the tasks, as they become ready."""
        for result in self._results(function, tasks):
            self._done(1)
            yield result

    def _results(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        if self.count == 1 or len(tasks) == 1:
            return (function(*task) for task in tasks)
        # Workers of another process get big arrays as memory maps; mode "c" keeps them writable, which
        # spares numba a second compilation for read-only arrays.
        with joblib.parallel_config(backend=self.backend, n_jobs=self.n_jobs, mmap_mode="c"):
            pool = joblib.Parallel(return_as="generator", batch_size=max(1, min(8, len(tasks) // (16 * self.count))))
        return pool(joblib.delayed(function)(*task) for task in tasks)
