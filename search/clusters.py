"""Where tasks can run: threads or processes of this machine, the workers of a Dask or of a Ray cluster.

What many tasks need (a request table) leaves this process once and is fetched once by every worker, which remembers it
by its digest; a task carries the digest and where to fetch it from, some hundred bytes.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from socket import create_connection
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.parse import urlsplit

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool

from blis.errors import InputError, named

#: Things that a worker remembers; one that it has forgotten it fetches again.
REMEMBERED = 128

#: How long somebody may take to answer at an address.
CONNECT_S = 15

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]  # what joblib.delayed makes


@dataclass(frozen=True)
class Parcel:
    """A thing that lies where every worker can fetch it. digest: of its pickled bytes, by which it is remembered."""

    digest: str
    fetch: Callable[[], bytes] = field(compare=False)


@lru_cache(maxsize=REMEMBERED)
def _fetched(parcel: Parcel) -> Any:
    return pickle.loads(parcel.fetch())


def _holding(digest: str, content: bytes) -> Parcel:
    """A parcel that has its content with it."""
    return Parcel(digest, partial(bytes, content))


def _all(calls: Sequence[Call]) -> list[Any]:
    """What several calls give."""
    return [function(*arguments, **keywords) for function, arguments, keywords in calls]


def unpacked(function: Callable[..., Any], *arguments: Any) -> Any:
    """`function` of the arguments, parcels among them opened: what runs on a worker."""
    return function(*(_fetched(one) if isinstance(one, Parcel) else one for one in arguments))


class Cluster(ABC):
    """Workers of one kind, started when they are first needed."""

    backend: ClassVar[str] = ""  # joblib's name
    package: ClassVar[str] = "joblib"  # that it needs
    connects: ClassVar[bool] = False  # whether it may be at an address
    attempts: ClassVar[int] = 3  # runs until tasks whose workers die are given up: they may be what kills them

    def __init__(self, n_jobs: int, address: str | None) -> None:
        """n_jobs: workers, all cores for -1. address: of a cluster that runs, None = start one here."""
        self.n_jobs, self.address = n_jobs, address
        self._shared: dict[int, tuple[Any, Any]] = {}  # by the ids of things, which stay theirs while they are here

    @classmethod
    def check(cls, name: str, address: str | None) -> None:
        """Raise InputError if it cannot be used under this name here, or at this address."""
        if find_spec(cls.package) is None:
            raise InputError(f"parallel.backend {name!r} is not installed: pip install 'blis[{name}]'")
        if address is not None and not cls.connects:
            raise InputError(f"parallel.address must be null with parallel.backend={name}: it works on this machine")

    @property
    @abstractmethod
    def lost(self) -> tuple[type[Exception], ...]:
        """What is raised when a worker has died with its tasks."""

    def start(self) -> None:  # noqa: B027
        """Be ready to run. Raises InputError if nobody answers at the address."""

    def run(self, calls: Iterable[Call], batch: int) -> Iterator[Any]:
        """What calls give, in their order, as it becomes ready; so many travel together."""
        # Workers of another process get big arrays as memory maps; mode "c" keeps them writable, which
        # spares numba a second compilation for read-only arrays.
        with joblib.parallel_config(self.backend, n_jobs=self.n_jobs, mmap_mode="c"):
            pool = joblib.Parallel(return_as="generator", batch_size=batch)
        return pool(calls)

    def share(self, thing: Any) -> Any:
        """What to give tasks in place of a thing that many need; the same for the same object."""
        if id(thing) not in self._shared:
            content = pickle.dumps(thing, protocol=5)
            self._shared[id(thing)] = thing, self._laid_out(hashlib.sha256(content).hexdigest(), content)
        return self._shared[id(thing)][1]

    def renew(self) -> None:  # noqa: B027
        """Replace workers that were lost, where nobody else does."""

    def close(self) -> None:
        """Let go of what was started or connected to; the next run starts anew."""
        self._shared.clear()

    @abstractmethod
    def _laid_out(self, digest: str, content: bytes) -> Any:
        """What stands for a thing of this digest, when every worker can have its pickled content."""


class Threads(Cluster):
    """Threads of this process: simulations release the interpreter's lock, and nothing has to travel."""

    backend = "threading"
    lost = ()

    def share(self, thing: Any) -> Any:
        """The thing itself."""
        return thing

    def _laid_out(self, digest: str, content: bytes) -> Any:
        raise NotImplementedError  # nothing is


class Processes(Cluster):
    """Processes of this machine, which live on from one run to the next. Parcels are files."""

    backend = "loky"
    lost = (BrokenProcessPool,)

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(prefix="blis-")

    def close(self) -> None:
        """Remove the files; joblib ends processes that have nothing to do."""
        super().close()
        if folder := self.__dict__.pop("_folder", None):
            folder.cleanup()

    def _laid_out(self, digest: str, content: bytes) -> Any:
        path = Path(self._folder.name) / digest
        path.write_bytes(content)
        return Parcel(digest, path.read_bytes)


class Dask(Cluster):
    """Workers of a Dask cluster; its scheduler gives the tasks of one that dies to others."""

    package = "distributed"
    connects = True
    attempts = 1  # its scheduler has made them

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """A task whose workers died again and again, or parcels that died with them."""
        from concurrent.futures import CancelledError

        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        return KilledWorker, FutureCancelledError, CommClosedError, CancelledError

    @cached_property
    def _client(self) -> Any:
        from distributed import Client, LocalCluster

        if self.address is not None:
            return _answering("Dask scheduler", self.address, partial(Client, self.address, timeout=CONNECT_S))
        workers = joblib.effective_n_jobs(self.n_jobs)
        local = LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs="ERROR"
        )
        return Client(local, set_as_default=False)

    def start(self) -> None:
        """Start a scheduler and workers on the loopback interface, or connect."""
        assert self._client

    def close(self) -> None:
        """Hang up; a cluster that was started here ends."""
        super().close()
        if client := self.__dict__.pop("_client", None):
            started = client.cluster
            client.close()
            if started is not None:
                started.close()

    def run(self, calls: Iterable[Call], batch: int) -> Iterator[Any]:
        """What calls give, in their order, as it becomes ready.

        Without joblib, whose backend waits for ever for a task that Dask has given up.
        """
        all_calls = list(calls)
        starts = range(0, len(all_calls), batch)
        futures = deque(self._client.submit(_all, all_calls[at : at + batch], pure=False) for at in starts)
        while futures:
            yield from futures.popleft().result()

    def _laid_out(self, digest: str, content: bytes) -> Any:
        """A future. Dask puts the parcel in its place, brought once to each worker, and makes it again if all die.

        What is scattered it cannot make again.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it is large
            return self._client.submit(_holding, digest, content, key=digest)


class Ray(Cluster):
    """Workers of a Ray cluster. Its backend gives all results of a run at once."""

    backend = "ray"
    package = "ray"
    connects = True

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """Whatever Ray itself raises."""
        from ray.exceptions import RayError

        return (RayError,)

    @cached_property
    def _ray(self) -> Any:
        """The library, with a cluster behind it."""
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if self.address is not None:
            _answering("Ray cluster", self.address, partial(ray.init, self.address, **quiet))
        else:
            workers = joblib.effective_n_jobs(self.n_jobs)
            ray.init("local", num_cpus=workers, include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        return ray

    @cached_property
    def _pool(self) -> joblib.Parallel:
        """One pool for all runs: its workers remember parcels and compiled kernels."""
        from ray.util.joblib import register_ray

        assert self._ray
        register_ray()
        with joblib.parallel_config(self.backend, n_jobs=self.n_jobs):
            return joblib.Parallel().__enter__()

    def start(self) -> None:
        """Start a node on the loopback interface, or connect; and start workers."""
        assert self._pool

    def run(self, calls: Iterable[Call], batch: int) -> Iterator[Any]:
        """What calls give, in their order, when all are ready."""
        self._pool.batch_size = batch
        return iter(self._pool(calls))

    def renew(self) -> None:
        """Another pool: the dead stay in theirs."""
        if pool := self.__dict__.pop("_pool", None):
            pool.__exit__(None, None, None)

    def close(self) -> None:
        """End the workers and hang up; a node that was started here ends."""
        super().close()
        self.renew()
        if ray := self.__dict__.pop("_ray", None):
            ray.shutdown()

    def _laid_out(self, digest: str, content: bytes) -> Any:
        return Parcel(digest, partial(self._ray.get, self._ray.put(content)))


def _answering(what: str, address: str, connect: Callable[[], Any]) -> Any:
    """What connecting gives. Raises InputError if nobody answers."""
    try:
        place = urlsplit(address if "://" in address else f"//{address}")
        if place.hostname is None or place.port is None:
            raise ValueError("it must be HOST:PORT")
        create_connection((place.hostname, place.port), CONNECT_S).close()  # Ray itself would try for minutes
        return connect()
    except Exception as error:  # of names, ports, protocols and versions there are many
        raise InputError(f"parallel.address: no {what} answers at {address!r}: {named(error)}") from None


#: By `parallel.backend`. Run folders of earlier versions have joblib's name of threads.
CLUSTERS: dict[str, type[Cluster]] = {
    "threads": Threads,
    "threading": Threads,
    "loky": Processes,
    "dask": Dask,
    "ray": Ray,
}
