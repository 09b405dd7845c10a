"""The store: everything arrives whatever its size, a run is gone on with, and trouble is told once.

A real store takes seconds to open; test_tracking.py and test_comparison.py have one.
"""

import os
import signal
from datetime import UTC, datetime, timedelta
from threading import Event, Timer
from types import SimpleNamespace

import pytest
from mlflow.exceptions import INVALID_PARAMETER_VALUE, MlflowException
from mlflow.utils import validation

from search.run_folder.mlflow_store import LONGEST_PARAM, LONGEST_TAG, METRICS_A_BATCH, PARAMS_A_BATCH, Store

PARAMS = {f"key{i}": i for i in range(230)} | {"long": "x" * 9000}


class Client:
    """Keeps what is logged, as MLflow's client does, and refuses what that would refuse."""

    def __init__(self):
        self.runs, self.deleted, self.files = {}, [], []

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=f"id of {name}")

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=""):
        run = SimpleNamespace(name=run_name, params={}, metrics=[], tags=dict(tags or {}), status="RUNNING")
        run.times = [start_time]
        run_id = run_name if run_name not in self.runs else run_name + " again"
        self.runs[run_id] = run
        return SimpleNamespace(info=SimpleNamespace(run_id=run_id))

    def search_runs(self, experiment_ids, tag):
        assert experiment_ids == ["id of mine"]
        found = {k: run for k, run in self.runs.items() if tag in [f"tags.`{t}` = {v!r}" for t, v in run.tags.items()]}
        return [SimpleNamespace(info=SimpleNamespace(run_id=name), data=run) for name, run in found.items()]

    def update_run(self, run_id, status):
        self.runs[run_id].status = status

    def delete_run(self, run_id):
        self.deleted.append(run_id)

    def log_artifact(self, run_id, path, place=None):
        self.files.append((path, place))

    def log_batch(self, run_id, metrics, params, tags):
        for entry in (*metrics, *params, *tags):
            validation.validate_param_and_metric_name(entry.key)
            assert len(entry.key) <= 250 and not validation.path_not_unique(entry.key)
        assert len(metrics) <= METRICS_A_BATCH and len(params) <= PARAMS_A_BATCH
        run = self.runs[run_id]
        run.metrics += [(metric.key, metric.value, metric.step) for metric in metrics]
        for entries, kept in ((params, run.params), (tags, run.tags)):
            kept.update({entry.key: entry.value for entry in entries})

    def log_inputs(self, run_id, datasets):
        self.runs[run_id].datasets = datasets

    def set_terminated(self, run_id, status="FINISHED", end_time=None):
        self.runs[run_id].status = status
        self.runs[run_id].times.append(end_time)


@pytest.fixture
def client(monkeypatch):
    client = Client()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    return client


def test_more_than_a_batch_arrives_and_long_texts_are_cut(client):
    store = Store("http://store", "mine")
    store.open("first", PARAMS, {"note": "y" * 9000})
    store.metrics({f"metric{i}": i for i in range(2300)}, step=3)
    store.tags({"outcome": "winner"})
    store.close("KILLED")
    (run,) = client.runs.values()
    assert run.params == {key: str(value)[:LONGEST_PARAM] for key, value in PARAMS.items()}
    assert run.tags == {"note": "y" * LONGEST_TAG, "outcome": "winner"}
    assert run.metrics == [(f"metric{i}", float(i), 3) for i in range(2300)]
    assert run.status == "KILLED"


def test_a_child_names_its_parent(client):
    store = Store("http://store", "mine")
    store.open("first", {}, {})
    store.child("child", {"a": 1}, {"fitness": 0.5}, {"status": "finalist"})
    store.close("FINISHED")
    child = client.runs["child"]
    assert child.tags == {"mlflow.parentRunId": "first", "status": "finalist"}
    assert (child.params, child.metrics, child.status) == ({"a": "1"}, [("fitness", 0.5, 0)], "FINISHED")


def test_a_run_is_gone_on_with_and_its_children_are_made_anew(client):
    store, tags = Store("http://store", "mine"), {"run_id": "a1", "folder": "/a"}
    store.open("other", {}, {"run_id": "a1", "folder": "/b"})
    store.open("first", {}, tags)
    store.child("child", {}, {}, {})
    store.reopen("run_id", "again", {}, tags)
    store.metrics({"late": 7.0})
    store.close("FINISHED")
    assert set(client.runs) == {"other", "first", "child"}
    assert client.runs["first"].metrics == [("late", 7.0, 0)]
    assert client.deleted == ["child"]


def test_a_run_that_is_not_there_is_started(client):
    store = Store("http://store", "mine")
    store.reopen("run_id", "new", {"b": 3}, {"run_id": "a1"})
    store.close("FINISHED")
    assert client.runs["new"].params == {"b": "3"}


def test_trouble_is_one_line_and_the_rest_is_left_out_but_the_end(client, monkeypatch, capfd):
    monkeypatch.setattr(Client, "log_batch", lambda *_: 1 / 0)
    store = Store("http://me:secret@store", "mine")
    store.open("first", {"a": 1}, {})
    store.metrics({"a": 1.0})
    store.close("FINISHED")
    assert capfd.readouterr().err == ("warning: not tracked in MLflow any more: ZeroDivisionError: division by zero\n")
    assert client.runs["first"].status == "FAILED"


class Choosy(Client):
    """Refuses some names."""

    def log_batch(self, run_id, metrics, params, tags):
        if [entry for entry in (*metrics, *params, *tags) if entry.key.startswith("bad")]:
            raise MlflowException("Invalid name", INVALID_PARAMETER_VALUE)
        super().log_batch(run_id, metrics, params, tags)


def test_what_is_refused_costs_only_itself(monkeypatch, capfd):
    client = Choosy()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    store = Store("http://store", "mine")
    store.open("first", {"good": 1, "bad": 2}, {"bad tag": "x", "tag": "y"})
    store.metrics({"bad metric": 1.0, "metric": 2.0})
    store.child("child", {"bad key": 1, "key": 2}, {}, {})
    assert not store.close("FINISHED")
    assert capfd.readouterr().err == "warning: not all is tracked in MLflow: MlflowException: Invalid name\n"
    run, child = client.runs["first"], client.runs["child"]
    assert (run.params, run.tags, run.metrics) == ({"good": "1"}, {"tag": "y"}, [("metric", 2.0, 0)])
    assert (run.status, child.params, child.status) == ("FINISHED", {"key": "2"}, "FINISHED")


def test_a_run_takes_the_place_of_those_of_the_same_search(client):
    tags, started = {"run_id": "a1", "folder": "/a"}, datetime(2026, 1, 2, tzinfo=UTC)
    for name, folder in (("first", "/a"), ("other", "/b")):
        store = Store("http://store", "mine")
        store.open(name, {}, tags | {"folder": folder})
        store.child(f"child of {name}", {}, {}, {})
        store.close("FINISHED")
    store = Store("http://store", "mine")
    store.replace("run_id", "anew", {"b": 3}, tags, started)
    assert store.close("KILLED", started + timedelta(seconds=5))
    assert client.deleted == ["child of first", "first"]
    anew = client.runs["anew"]
    assert (anew.status, anew.times) == ("KILLED", [1767312000000, 1767312005000])


def test_what_cannot_be_completed_takes_nobodys_place(client, monkeypatch):
    tags = {"run_id": "a1"}
    store = Store("http://store", "mine")
    store.open("first", {}, tags)
    store.close("FINISHED")
    monkeypatch.setattr(Client, "log_inputs", lambda *_, **__: 1 / 0)
    store = Store("http://store", "mine")
    store.replace("run_id", "anew", {}, tags, datetime(2026, 1, 2, tzinfo=UTC))
    store.inputs([])
    assert not store.close("FINISHED")
    assert client.deleted == []
    assert client.runs["anew"].status == "FAILED"


def test_a_child_that_cannot_be_logged_is_ended_too(client, monkeypatch, capfd):
    store = Store("http://store", "mine")
    store.open("first", {}, {})
    store.child("child", {}, {"fitness": "none"}, {})
    store.close("FINISHED")
    assert "could not convert string to float" in capfd.readouterr().err
    assert "RUNNING" not in {run.status for run in client.runs.values()}


def test_secrets_are_not_told(client, monkeypatch, capfd):
    def refuse(*_, **__):
        raise ValueError("no login for me:secret@store")

    monkeypatch.setattr(Client, "create_run", refuse)
    store = Store("http://me:secret@store", "mine")
    store.open("first", {}, {})
    store.close("FINISHED")
    assert capfd.readouterr().err == "warning: not tracked in MLflow any more: ValueError: no login for ***@store\n"


def test_names_that_mlflow_refuses_are_made_fit(client):
    names = ["verdict/best@2026/t (low)", "a//b", "../x", "v1.2/ä", "long" * 100, "fine/name-1.2: x"]
    store = Store("http://store", "mine")
    store.open("first", dict.fromkeys(names, 1), {})
    store.metrics(dict.fromkeys(names, 1.0))
    store.close("FINISHED")
    (run,) = client.runs.values()
    assert list(run.params) == [name for name, _, _ in run.metrics]
    assert next(iter(run.params)) == "verdict/best_2026/t _low_"
    assert list(run.params)[-1] == "fine/name-1.2: x"


def test_files_are_kept_at_their_place_and_nothing_else_is(client, tmp_path):
    (tmp_path / "pareto").mkdir()
    paths = [tmp_path / "a.csv", tmp_path / "pareto" / "b.yaml", tmp_path / "data.bin"]
    for path in paths:
        path.write_text("")
    store = Store("http://store", "mine")
    store.open("first", {}, {})
    store.files(tmp_path, paths[:2])
    store.close("FINISHED")
    assert client.files == [(str(paths[0]), None), (str(paths[1]), "pareto")]


class Silent(Client):
    """Never answers."""

    def get_experiment_by_name(self, name):
        Event().wait()


def test_a_store_that_never_answers_is_given_up(monkeypatch, capfd):
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: Silent())
    monkeypatch.setattr("search.run_folder.mlflow_store.SERVER_PATIENCE_S", 0.1)
    monkeypatch.setattr("search.run_folder.mlflow_store.LAST_PATIENCE_S", 0.1)
    store = Store("http://store", "mine")
    store.open("first", {}, {})
    store.close("FINISHED")
    assert capfd.readouterr().err == "warning: not tracked in MLflow any more: TimeoutError: not done within 0.1 s\n"


class Slow(Client):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.answer = Event()

    def log_batch(self, *batch):
        self.answer.wait(60)
        super().log_batch(*batch)


def test_a_slow_store_is_told_the_end_whatever_there_was_no_time_for(monkeypatch):
    client = Slow()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    monkeypatch.setattr("search.run_folder.mlflow_store.SERVER_PATIENCE_S", 0.2)
    store = Store("http://store", "mine")
    store.open("first", {}, {})
    store.metrics({"soon": 1.0})
    store.child("late", {}, {}, {})
    Timer(0.6, client.answer.set).start()
    assert not store.close("FINISHED")
    assert {name: run.status for name, run in client.runs.items()} == {"first": "FAILED"}


def test_ctrl_c_while_the_end_is_waited_for_leaves_out_the_rest_and_ends_the_run(monkeypatch):
    client = Slow()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    store = Store("http://store", "mine")
    store.open("first", {"a": 1}, {})
    store.metrics({"late": 1.0})
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    timers = Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)), Timer(0.6, client.answer.set)
    for timer in timers:
        timer.start()
    with pytest.raises(KeyboardInterrupt):
        store.close("FINISHED")
    signal.signal(signal.SIGINT, before)
    (run,) = client.runs.values()
    assert (run.params, run.metrics, run.status) == ({"a": "1"}, [], "FINISHED")
