"""Which of the clusters can be tried here, and what their tests need."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from blis.engine.run import simulate
from search.clusters import CLUSTERS


def kind(name: str):
    """A backend as a parameter of a test: skipped without its package, slow where it is a cluster that starts."""
    package = CLUSTERS[name].package
    lacking = pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed")
    return pytest.param(name, marks=[lacking, *([pytest.mark.slow] if CLUSTERS[name].connects else [])])


PROCESSES = [kind(name) for name in ("loky", "dask", "ray")]
CONNECTING = [kind(name) for name in ("dask", "ray")]


def dying_once(marker, result):
    """A result, but of the process that comes here first: that is killed."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return result
    os.kill(os.getpid(), signal.SIGKILL)


def dying(number):
    """No result."""
    os.kill(os.getpid(), signal.SIGKILL)


def simulate_dying_once(marker, scenario, table):
    """A simulation; the worker of the third is killed. marker: a folder."""
    Path(marker, str(os.urandom(8).hex())).touch()
    return (
        dying_once(Path(marker, "dead"), None) if len(list(Path(marker).iterdir())) == 3 else simulate(scenario, table)
    )


@contextmanager
def running():
    """The address of a Dask cluster of one worker, for as long as the block."""
    from distributed import LocalCluster

    one = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with LocalCluster(**one) as local:
        yield local.scheduler_address
