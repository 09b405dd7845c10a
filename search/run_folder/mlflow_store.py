"""An MLflow store, written to in the background: it may be slow, and it may fail, without harm to the search.

Everything happens in one thread beside the search, so that neither the import of MLflow (2 s) nor the first
touch of a store (4 s) is waited for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from filelock import FileLock

from blis.errors import named
from blis.stdout import note
from search.uri import SQLITE, concealed, database_path

PARENT_TAG = "mlflow.parentRunId"
PARAMS_A_BATCH, METRICS_A_BATCH = 100, 1000  # MLflow's own limits
LONGEST_PARAM, LONGEST_TAG, LONGEST_NAME = 6000, 8000, 250

LONGEST_ERROR = 200  # it may hold a whole statement

#: How long the end of a search waits for what is not logged yet: of a server that may be dead, and of a file.
SERVER_PATIENCE_S, FILE_PATIENCE_S = 15.0, 60.0
#: The same when the user presses Ctrl-C meanwhile.
LAST_PATIENCE_S = 5.0
#: For other processes that set up the same file: beside the search, and several of them on a busy machine take a while.
LOCK_PATIENCE_S = 45.0

#: MLflow's own patience with a server would be 20 minutes. Who has set these knows better.
REQUESTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}

Action = Callable[[], None]


class Store:
    """Logs to an MLflow store in the background. The first error is told on stderr, and no more is logged."""

    def __init__(self, uri: str, experiment: str) -> None:
        """uri: empty = log nothing."""
        self._uri, self._enabled = uri, bool(uri)
        self._run_id, self._status = "", "FAILED"
        self._actions: SimpleQueue[Action | None] = SimpleQueue()
        self._done = Event()  # a thread whose `join` was interrupted once counts as ended
        self._actions.put(lambda: self._connect(uri, experiment))
        if uri:
            Thread(target=self._work, name="tracking", daemon=True).start()  # nobody has to wait for it

    def open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Start a run."""
        self._actions.put(lambda: self._open(name, params, tags))

    def reopen(self, tag: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Go on with the last run that has these tags, without its children; start a run if there is none.

        tag: the one of them to search by.
        """

        def reopened() -> None:
            if not self._reopen(tag, tags):
                self._open(name, params, tags)

        self._actions.put(reopened)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers of the run."""
        self._actions.put(lambda: self._log(self._run_id, values, {}, step))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set texts of the run."""
        self._actions.put(lambda: self._log(self._run_id, {}, {}, tags=values))

    def child(self, name: str, params: Mapping[str, Any], values: Mapping[str, float], status: str) -> None:
        """Log one promoted candidate as a run below this one."""
        self._actions.put(lambda: self._child(name, params, values, status))

    def files(self, folder: Path, paths: Sequence[Path]) -> None:
        """Keep a copy of files that lie in a folder."""
        self._actions.put(lambda: self._files(folder, paths))

    def close(self, status: str) -> None:
        """Wait until all is logged, but not for ever, and end the run. status: FINISHED, FAILED or KILLED."""
        if not self._uri:
            return
        if self._enabled:
            self._status = status
        self._actions.put(None)
        patience_s = FILE_PATIENCE_S if self._uri.startswith(SQLITE) else SERVER_PATIENCE_S
        try:
            done = self._done.wait(patience_s)
        except KeyboardInterrupt:
            self._enabled = False  # what is not logged yet is left out
            self._done.wait(LAST_PATIENCE_S)
            raise
        if not done:
            self._give_up(TimeoutError(f"no answer for {patience_s:g} s"))

    def _work(self) -> None:
        """Do one thing after the other until the run is to be closed; nothing more once something has failed."""
        for action in iter(self._actions.get, None):
            try:
                if self._enabled:
                    action()
            except Exception as error:  # whatever the store's trouble is, the search has its files
                self._give_up(error)
        if self._run_id:
            try:
                self._client.set_terminated(self._run_id, self._status)
            except Exception as error:
                self._give_up(error)
        self._done.set()

    def _give_up(self, error: Exception) -> None:
        """Tell it once; what is logged of the run is not all."""
        if self._enabled:
            self._enabled = False
            self._status = "FAILED"
            problem = concealed(named(error), self._uri)[:LONGEST_ERROR]
            note(f"warning: not tracked in MLflow any more: {problem}")

    def _connect(self, uri: str, experiment: str) -> None:
        import mlflow.tracking  # noqa: F401  # takes seconds, which others need not wait for, too

        with _store_lock(uri):
            self._client = connect(uri)
            self._experiment_id = _experiment_id(self._client, uri, experiment)

    def _open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        run = self._client.create_run(self._experiment_id, run_name=name)
        self._run_id = run.info.run_id
        self._log(self._run_id, {}, params, tags=tags)

    def _reopen(self, tag: str, tags: Mapping[str, str]) -> bool:
        """Whether there was such a run."""
        found = [run for run in self._tagged(tag, tags[tag]) if tags.items() <= run.data.tags.items()]
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
        try:
            self._log(run.info.run_id, values, params)
        finally:
            self._client.set_terminated(run.info.run_id)

    def _files(self, folder: Path, paths: Sequence[Path]) -> None:
        for path in paths:
            place = path.relative_to(folder).parent
            self._client.log_artifact(self._run_id, str(path), None if place == Path() else str(place))

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
        metrics = [Metric(clean(key), float(value), now_ms, step) for key, value in values.items()]
        entries = [Param(clean(key), str(value)[:LONGEST_PARAM]) for key, value in params.items()]
        labels = [RunTag(clean(key), value[:LONGEST_TAG]) for key, value in (tags or {}).items()]
        while metrics or entries or labels:
            self._client.log_batch(run_id, metrics[:METRICS_A_BATCH], entries[:PARAMS_A_BATCH], labels)
            metrics, entries, labels = metrics[METRICS_A_BATCH:], entries[PARAMS_A_BATCH:], []


def connect(uri: str) -> Any:
    """An MLflow client for a store, without MLflow's chatter and its patience."""
    for name, value in REQUESTS.items():
        os.environ.setdefault(name, value)
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
    with FileLock(database.with_name(f".{database.name}.lock"), timeout=LOCK_PATIENCE_S):
        yield


def clean(name: str) -> str:
    """A name as MLflow takes it: a path of words in which some characters stand for others."""
    parts = re.sub(r"[^\w.\- :/]", "_", name).split("/")
    return "/".join("_" if part.strip(".") == "" else part for part in parts)[:LONGEST_NAME]


def _silence() -> None:
    """Keep MLflow's and Alembic's reports off the terminal; errors still come as exceptions."""
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
