"""An MLflow store, written to in the background: it may be slow, and it may fail, without harm to the search.

Everything happens in one thread beside the search, so that neither the import of MLflow (2 s) nor the first
touch of a store (4 s) is waited for.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from filelock import FileLock

from blis.errors import named
from blis.stdout import note
from search.run_folder.datasets import Pool
from search.run_folder.mlflow_registry import Version, model_name, register
from search.uri import SQLITE, concealed, database_path

PARENT_TAG = "mlflow.parentRunId"
PARAMS_A_BATCH, METRICS_A_BATCH = 100, 1000  # MLflow's own limits
LONGEST_PARAM, LONGEST_TAG, LONGEST_NAME = 6000, 8000, 250

LONGEST_ERROR = 200  # it may hold a whole statement

#: How long the end of a search waits for what is not logged yet: of a server that may be dead, and of a file.
SERVER_PATIENCE_S, FILE_PATIENCE_S = 30.0, 60.0
#: How long for the end alone, when there was no time for the rest or the user presses Ctrl-C meanwhile.
LAST_PATIENCE_S = 5.0
#: For other processes that set up the same file: beside the search, and several of them on a busy machine take a while.
LOCK_PATIENCE_S = 45.0

#: MLflow's own patience with a server would be 20 minutes. Who has set these knows better.
REQUESTS = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "5", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}

#: MLflow's words for what a store does not take, or lets nobody do; it goes on working.
REFUSALS = frozenset(
    {
        *("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"),
        *("PERMISSION_DENIED", "FEATURE_DISABLED", "NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND"),
    }
)

Action = Callable[[], None]


class Store:
    """Logs to an MLflow store in the background.

    What it refuses is left out, and the first of that told on stderr; any other error is told, and no more is logged.
    """

    def __init__(self, uri: str, experiment: str) -> None:
        """uri: empty = log nothing."""
        self._uri, self._enabled = uri, bool(uri)
        self._run_id, self._status, self._ended_ms, self._complete = "", "FAILED", 0, True
        self._replaced: list[str] = []  # runs that are deleted once this one is complete
        self._actions: SimpleQueue[Action | None] = SimpleQueue()
        self._done = Event()  # a thread whose `join` was interrupted once counts as ended
        self._actions.put(lambda: self._connect(uri, experiment))
        if uri:
            Thread(target=self._work, name="tracking", daemon=True).start()  # nobody has to wait for it

    def open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Start a run, which has started now, whenever the store is reached."""
        started_ms = _ms(datetime.now(UTC))
        self._actions.put(lambda: self._open(name, params, tags, started_ms))

    def reopen(self, tag: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Go on with the last run that has these tags, without its children; start a run if there is none.

        tag: the one of them to search by.
        """
        started_ms = _ms(datetime.now(UTC))

        def reopened() -> None:
            if not self._reopen(tag, tags):
                self._open(name, params, tags, started_ms)

        self._actions.put(reopened)

    def replace(
        self, tag: str, name: str, params: Mapping[str, Any], tags: Mapping[str, str], started: datetime
    ) -> None:
        """Start a run that takes the place of all that have these tags as soon as it is complete."""

        def replaced() -> None:
            self._replaced = [run.info.run_id for run in self._same(tag, tags)]
            self._open(name, params, tags, _ms(started))

        self._actions.put(replaced)

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers of the run."""
        self._actions.put(lambda: self._log(self._run_id, values, {}, step))

    def tags(self, values: Mapping[str, str]) -> None:
        """Set texts of the run."""
        self._actions.put(lambda: self._log(self._run_id, {}, {}, tags=values))

    def inputs(self, pools: Sequence[Pool]) -> None:
        """Say which requests the run stands on."""
        self._actions.put(lambda: self._inputs(pools))

    def child(self, name: str, params: Mapping[str, Any], values: Mapping[str, float], tags: Mapping[str, str]) -> None:
        """Log one promoted candidate as a run below this one."""
        self._actions.put(lambda: self._child(name, params, values, tags))

    def files(self, folder: Path, paths: Sequence[Path]) -> None:
        """Keep a copy of files that lie in a folder."""
        self._actions.put(lambda: self._files(folder, paths))

    def text(self, text: str, place: str) -> None:
        """Keep a text as a file."""
        self._actions.put(lambda: self._client.log_text(self._run_id, text, place))

    def register(self, model: str, versions: Sequence[Version], tags: Mapping[str, str]) -> None:
        """Make policies among the files versions of a registered model."""
        name = model_name(model)
        self._actions.put(lambda: register(self._client, self._client.get_run(self._run_id), name, versions, tags))

    def close(self, status: str, ended: datetime | None = None, patience_s: float = 0.0) -> bool:
        """Wait until all is logged, but not for ever, and end the run; whether all of it is there.

        status: FINISHED, FAILED or KILLED. ended: None = now. patience_s: 0 = as long as a search waits.
        """
        if not self._uri:
            return True
        if self._enabled:
            self._status, self._ended_ms = status, _ms(ended or datetime.now(UTC))
        self._actions.put(None)
        patience_s = patience_s or (FILE_PATIENCE_S if self._uri.startswith(SQLITE) else SERVER_PATIENCE_S)
        try:
            done = self._done.wait(patience_s)
        except KeyboardInterrupt:
            self._enabled = False  # what is not logged yet is left out
            self._done.wait(LAST_PATIENCE_S)
            raise
        if not done:
            self._give_up(TimeoutError(f"not done within {patience_s:g} s"))
            self._done.wait(LAST_PATIENCE_S)  # a slow store is told the end, and a dead one is not waited for
        return self._complete

    def _work(self) -> None:
        """Do one thing after the other until the run is to be closed; nothing more once something has failed."""
        for action in iter(self._actions.get, None):
            try:
                if self._enabled:
                    action()
            except Exception as error:  # whatever the store's trouble is, the search has its files
                self._trouble(error)
        if self._run_id:
            try:
                self._end()
            except Exception as error:
                self._give_up(error)
        self._done.set()

    def _end(self) -> None:
        """End the run; it is then the only one of its search."""
        self._client.set_terminated(self._run_id, self._status, self._ended_ms or None)
        if self._enabled:
            for run_id in self._replaced:
                self._delete_children(run_id)
                self._client.delete_run(run_id)

    def _trouble(self, error: Exception) -> None:
        """Go on without what the store refused; with nothing, if it is not that."""
        if not (self._run_id and is_refusal(error)):
            self._give_up(error)
        elif self._complete:
            self._complete = False
            note(f"warning: not all is tracked in MLflow: {self._told(error)}")

    def _give_up(self, error: Exception) -> None:
        """Tell it once; what is logged of the run is not all."""
        if self._enabled:
            self._enabled, self._complete = False, False
            self._status = "FAILED"
            note(f"warning: not tracked in MLflow any more: {self._told(error)}")

    def _told(self, error: Exception) -> str:
        """An error in short, without secrets."""
        return concealed(named(error), self._uri)[:LONGEST_ERROR]

    def _connect(self, uri: str, experiment: str) -> None:
        import mlflow.tracking  # noqa: F401  # takes seconds, which others need not wait for, too

        with _store_lock(uri):
            self._client = connect(uri)
            self._experiment_id = _experiment_id(self._client, uri, experiment)

    def _open(self, name: str, params: Mapping[str, Any], tags: Mapping[str, str], started_ms: int) -> None:
        run = self._client.create_run(self._experiment_id, start_time=started_ms, run_name=name)
        self._run_id = run.info.run_id
        self._log(self._run_id, {}, params, tags=tags)

    def _reopen(self, tag: str, tags: Mapping[str, str]) -> bool:
        """Whether there was such a run."""
        found = self._same(tag, tags)
        if not found:
            return False
        self._run_id = found[0].info.run_id
        self._client.update_run(self._run_id, status="RUNNING")
        self._delete_children(self._run_id)
        return True

    def _same(self, tag: str, tags: Mapping[str, str]) -> list[Any]:
        """The runs with all these tags, newest first. tag: the one of them to search by."""
        return [run for run in self._tagged(tag, tags[tag]) if tags.items() <= run.data.tags.items()]

    def _delete_children(self, run_id: str) -> None:
        for child in self._tagged(PARENT_TAG, run_id):
            self._client.delete_run(child.info.run_id)

    def _tagged(self, tag: str, value: str) -> Any:
        """The runs with this tag, newest first."""
        return self._client.search_runs([self._experiment_id], f"tags.`{tag}` = {value!r}")

    def _inputs(self, pools: Sequence[Pool]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = [
            DatasetInput(
                Dataset(pool.name, pool.digest, "code", json.dumps({"tags": pool.source})),
                [InputTag("mlflow.data.context", pool.context)],
            )
            for pool in pools
        ]
        self._client.log_inputs(self._run_id, datasets=inputs)

    def _child(
        self, name: str, params: Mapping[str, Any], values: Mapping[str, float], tags: Mapping[str, str]
    ) -> None:
        labels = {PARENT_TAG: self._run_id, **tags}
        run = self._client.create_run(self._experiment_id, run_name=name, tags=labels)
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
            self._batch(run_id, metrics[:METRICS_A_BATCH], entries[:PARAMS_A_BATCH], labels)
            metrics, entries, labels = metrics[METRICS_A_BATCH:], entries[PARAMS_A_BATCH:], []

    def _batch(self, run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]) -> None:
        """Log these together or, if the store refuses that, each alone: what it does not take costs nothing else."""
        try:
            self._client.log_batch(run_id, metrics, params, tags)
        except Exception as error:
            alone = [
                *(([m], [], []) for m in metrics),
                *(([], [p], []) for p in params),
                *(([], [], [t]) for t in tags),
            ]
            if len(alone) == 1 or not is_refusal(error):
                raise
            for one in alone:
                self._alone(run_id, one)

    def _alone(self, run_id: str, one: tuple[list[Any], list[Any], list[Any]]) -> None:
        try:
            self._client.log_batch(run_id, *one)
        except Exception as error:
            if not is_refusal(error):
                raise
            self._trouble(error)


def is_refusal(error: Exception) -> bool:
    """Whether a store that works does not take what it was given."""
    return getattr(error, "error_code", "") in REFUSALS


def _ms(moment: datetime) -> int:
    """As MLflow has times."""
    return round(moment.timestamp() * 1000)


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
