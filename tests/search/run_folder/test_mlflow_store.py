"""The store: everything arrives whatever its size, a run is gone on with, and trouble is told once.

A real store takes seconds to open; test_tracking.py and test_comparison.py have one.
"""

from types import SimpleNamespace

import pytest

from search.run_folder.mlflow_store import LONGEST_PARAM, LONGEST_TAG, METRICS_A_BATCH, PARAMS_A_BATCH, Store

PARAMS = {f"key{i}": i for i in range(230)} | {"long": "x" * 9000}


class Client:
    """Keeps what is logged, as MLflow's client does, and refuses what that would refuse."""

    def __init__(self):
        self.runs, self.deleted = {}, []

    def get_experiment_by_name(self, name):
        return SimpleNamespace(experiment_id=f"id of {name}")

    def create_run(self, experiment_id, run_name, tags=None):
        run = SimpleNamespace(name=run_name, params={}, metrics=[], tags=dict(tags or {}), status="RUNNING")
        self.runs[run_name] = run
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

    def search_runs(self, experiment_ids, tag):
        assert experiment_ids == ["id of mine"]
        found = [name for name, run in self.runs.items() if tag in [f"tags.`{k}` = {v!r}" for k, v in run.tags.items()]]
        return [SimpleNamespace(info=SimpleNamespace(run_id=name)) for name in found]

    def update_run(self, run_id, status):
        self.runs[run_id].status = status

    def delete_run(self, run_id):
        self.deleted.append(run_id)

    def log_batch(self, run_id, metrics, params, tags):
        assert len(metrics) <= METRICS_A_BATCH and len(params) <= PARAMS_A_BATCH
        run = self.runs[run_id]
        run.metrics += [(metric.key, metric.value, metric.step) for metric in metrics]
        for entries, kept in ((params, run.params), (tags, run.tags)):
            kept.update({entry.key: entry.value for entry in entries})

    def set_terminated(self, run_id, status="FINISHED"):
        self.runs[run_id].status = status


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
    store.child("child", {"a": 1}, {"fitness": 0.5}, "finalist")
    store.close("FINISHED")
    child = client.runs["child"]
    assert child.tags == {"mlflow.parentRunId": "first", "status": "finalist"}
    assert (child.params, child.metrics, child.status) == ({"a": "1"}, [("fitness", 0.5, 0)], "FINISHED")


def test_a_run_is_gone_on_with_and_its_children_are_made_anew(client):
    store = Store("http://store", "mine")
    store.open("first", {}, {"folder": "/a"})
    store.child("child", {}, {}, "finalist")
    store.reopen("folder", "/a", "again", {}, {})
    store.metrics({"late": 7.0})
    store.close("FINISHED")
    assert set(client.runs) == {"first", "child"}
    assert client.runs["first"].metrics == [("late", 7.0, 0)]
    assert client.deleted == ["child"]


def test_a_run_that_is_not_there_is_started(client):
    store = Store("http://store", "mine")
    store.reopen("folder", "/nowhere", "new", {"b": 3}, {})
    store.close("FINISHED")
    assert client.runs["new"].params == {"b": "3"}


def test_trouble_is_one_line_and_the_rest_is_left_out(client, monkeypatch, capfd):
    monkeypatch.setattr(Client, "log_batch", lambda *_: 1 / 0)
    store = Store("http://store", "mine")
    store.open("first", {"a": 1}, {})
    store.metrics({"a": 1.0})
    store.close("FINISHED")
    assert capfd.readouterr().err == ("warning: not tracked in MLflow any more: ZeroDivisionError: division by zero\n")
    assert client.runs["first"].status == "RUNNING"
