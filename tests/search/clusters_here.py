"""Which of the clusters can be tried here, and what their tests need."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
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
def running(cluster):
    """The address of a cluster of one worker, for as long as the block."""
    if cluster is CLUSTERS["dask"]:
        from distributed import LocalCluster

        one = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
        with LocalCluster(**one) as local:
            yield local.scheduler_address
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=2", "--include-dashboard=false"]
        with head(["start", "--head", "--block", "--disable-usage-stats", *options]):
            yield f"127.0.0.1:{port}"


@contextmanager
def head(arguments):
    """`ray` with these arguments, until the end of the block."""
    command = [sys.executable, "-m", "ray.scripts.scripts", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert any("Ray runtime started" in line for line in process.stdout)
        yield
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
