"""Parallel work: the same results in the same order, whatever the workers, their number and their fate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from types import TracebackType
from typing import Any, TypeVar

import joblib

from blis.errors import EngineError, InputError, check_choice
from search.clusters import CLUSTERS, Threads, unpacked

T = TypeVar("T")


class Workers:
    """A pool of `n_jobs` workers (-1 = one per core) of a kind that `clusters.CLUSTERS` names.

    Threads are the default: kernels release the GIL and share the request tables. The others need tasks that pickle.
    They start when they are needed and end with a `with` block, or with this process.
    """

    def __init__(self, n_jobs: int = 1, backend: str = "threads", address: str | None = None) -> None:
        """address: of a cluster that runs already. Raises InputError for what cannot be used, or not together."""
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0 or n_jobs < -1:
            raise InputError(f"parallel.n_jobs must be -1 (one per core) or a whole number above 0, got {n_jobs!r}")
        check_choice("parallel.backend", backend, CLUSTERS)
        CLUSTERS[backend].check(backend, address)
        self.count, self.backend = int(joblib.effective_n_jobs(n_jobs)), backend
        alone = self.count == 1 and address is None
        self._cluster = CLUSTERS["threads" if alone else backend](n_jobs, address)
        self._done: Callable[[int], None] = lambda _: None

    def __enter__(self) -> Workers:
        """Start. Raises InputError if nobody answers at the address."""
        self._cluster.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cluster.close()

    def watched(self, done: Callable[[int], None]) -> Workers:
        """The same workers; `done(1)` is called in this thread after every task."""
        workers = copy(self)
        workers._done = done
        return workers

    def shared(self, thing: T) -> T:
        """What to put into many tasks that need one thing: it travels once to each worker. Nobody else may use it."""
        return self._cluster.share(thing)

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        """`function(*task)` for every task, in the order of the tasks, as they become ready.

        Tasks whose worker dies are done again: equal arguments must give equal results. Raises EngineError if that
        does not help.
        """
        for result in self._results(function, tasks):
            self._done(1)
            yield result

    def _results(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        if isinstance(self._cluster, Threads) and 1 in (self.count, len(tasks)):
            yield from (function(*task) for task in tasks)
            return
        done, last = 0, Exception()
        for _ in range(self._cluster.attempts):
            try:
                for result in self._run(function, tasks[done:]):
                    yield result
                    done += 1
                return
            except self._cluster.lost as error:
                last = error
                self._cluster.renew()
        why = f"workers die with their tasks again and again ({type(last).__name__}); is there memory enough for them?"
        raise EngineError(f"parallel.backend {self.backend}: {why}") from last

    def _run(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        """Begin with tasks, few enough at a time that all workers have some."""
        batch = max(1, min(8, len(tasks) // (16 * self.count)))
        return self._cluster.run((joblib.delayed(unpacked)(function, *task) for task in tasks), batch)
