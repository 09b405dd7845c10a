"""An MLflow store, written to in the background: it may be slow, and it may fail, without harm to the search.

Everything happens in one thread beside the search, so that neither the import of MLflow (2 s) nor the first
touch of a store (4 s) is waited for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from filelock import FileLock

from blis.errors import named

SQLITE = "sqlite:///"
PARENT_TAG = "mlflow.parentRunId"
PARAMS_A_BATCH, METRICS_A_BATCH = 100, 1000  # MLflow's own limits
LONGEST_PARAM, LONGEST_TAG = 6000, 8000

LONGEST_ERROR = 200  # it may hold a whole statement


class Store:
    """Logs to an MLflow store in the background. The first error is told on stderr, and no more is logged."""

    def __init__(self, uri: str, experiment: str) -> None:
        """uri: empty = log nothing."""
        self._enabled = bool(uri)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tracking")
        self._submit(lambda: self._connect(uri, experiment))

    def open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Start a run."""
        self._submit(lambda: self._open(name, params, tags))

    def reopen(self, tag: str, value: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Go on with the last run that has this tag, without its children; start a run if there is none."""

        def reopened() -> None:
            if not self._reopen(tag, value):
                self._open(name, params, tags)

        self._submit(reopened)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers of the run."""
        self._submit(lambda: self._log(self._run_id, values, {}, step))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set texts of the run."""
        self._submit(lambda: self._log(self._run_id, {}, {}, tags=values))

    def child(self, name: str, params: Mapping[str, Any], values: Mapping[str, float], status: str) -> None:
        """Log one promoted candidate as a run below this one."""
        self._submit(lambda: self._child(name, params, values, status))

    def files(self, folder: Path) -> None:
        """Keep a copy of every file of a folder."""
        self._submit(lambda: self._client.log_artifacts(self._run_id, str(folder)))

    def close(self, status: str) -> None:
        """Wait until all is logged and end the run. status: FINISHED, FAILED or KILLED."""
        self._submit(lambda: self._client.set_terminated(self._run_id, status))
        self._thread.shutdown(wait=True)

    def _submit(self, action: Callable[[], None]) -> None:
        """Do something in the background, unless something has failed before."""

        def guarded() -> None:
            if not self._enabled:
                return
            try:
                action()
            except Exception as error:  # whatever the store's trouble is, the search has its files
                self._enabled = False
                print(f"warning: not tracked in MLflow any more: {named(error)[:LONGEST_ERROR]}", file=sys.stderr)

        self._thread.submit(guarded)

    def _connect(self, uri: str, experiment: str) -> None:
        with _store_lock(uri):
            self._client = connect(uri)
            self._experiment_id = _experiment_id(self._client, uri, experiment)

    def _open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        run = self._client.create_run(self._experiment_id, run_name=name)
        self._run_id = run.info.run_id
        self._log(self._run_id, {}, params, tags=tags)

    def _reopen(self, tag: str, value: str) -> bool:
        """Whether there was such a run."""
        found = self._tagged(tag, value)
        if not found:
            return False
        self._run_id = found[0].info.run_id
        self._client.update_run(self._run_id, status="RUNNING")
        for child in self._tagged(PARENT_TAG, self._run_id):
            self._client.delete_run(child.info.run_id)
        return True

    def _tagged(self, tag: str, value: str) -> Any:
        """The runs with this tag, newest first."""
        return self._client.search_runs([self._experiment_id], f"tags.`{tag}` = {value!r}")

    def _child(self, name: str, params: Mapping[str, Any], values: Mapping[str, float], status: str) -> None:
        tags = {PARENT_TAG: self._run_id, "status": status}
        run = self._client.create_run(self._experiment_id, run_name=name, tags=tags)
        self._log(run.info.run_id, values, params)
        self._client.set_terminated(run.info.run_id)

    def _log(
        self,
        run_id: str,
        values: Mapping[str, float],
        params: Mapping[str, Any],
        step: int = 0,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """One `log_batch` for as much as a batch takes."""
        from mlflow.entities import Metric, Param, RunTag

        now_ms = int(time.time() * 1000)
        metrics = [Metric(key, float(value), now_ms, step) for key, value in values.items()]
        entries = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in params.items()]
        labels = [RunTag(key, value[:LONGEST_TAG]) for key, value in (tags or {}).items()]
        while metrics or entries or labels:
            self._client.log_batch(run_id, metrics[:METRICS_A_BATCH], entries[:PARAMS_A_BATCH], labels)
            metrics, entries, labels = metrics[METRICS_A_BATCH:], entries[PARAMS_A_BATCH:], []


def connect(uri: str) -> Any:
    """An MLflow client for a store, without MLflow's chatter."""
    from mlflow.tracking import MlflowClient

    _silence()  # the import has just set the levels
    return MlflowClient(tracking_uri=uri)


def _experiment_id(client: Any, uri: str, name: str) -> str:
    """The experiment, made if it is not there; artifacts of an SQLite store lie beside the database."""
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    location = (database_path(uri).parent / "mlartifacts").as_uri() if uri.startswith(SQLITE) else None
    return str(client.create_experiment(name, artifact_location=location))


@contextlib.contextmanager
def _store_lock(uri: str) -> Iterator[None]:
    """One process at a time: several that open a new SQLite store together break its first migration."""
    if not uri.startswith(SQLITE):
        yield
        return
    database = database_path(uri)
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_name(f".{database.name}.lock")):
        yield


def database_path(uri: str) -> Path:
    """The file of an SQLite store."""
    return Path(uri.removeprefix(SQLITE)).resolve()


def _silence() -> None:
    """Keep MLflow's and Alembic's reports off the terminal; errors still come as exceptions."""
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
