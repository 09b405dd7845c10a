"""MLflow: what is logged is there, and a broken store costs no results."""

import socket
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from mlflow.tracking import MlflowClient

from blis.api import load_policy
from blis.policies.bundle import bundle_mapping
from search.__main__ import run
from search.application import EXIT_OK
from search.folder import written
from search.run_folder.export import Stopwatch
from search.run_folder.mlflow_store import Store
from search.run_folder.tracking import Tracker
from search.running.archive import Archive
from tests.search.run_folder.test_mlflow_store import Client
from tests.search.small import small_settings, without_pictures
from tests.search.verdict.comparisons import drawn_verdict


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A finished run and its store. One for all tests: a new store takes seconds."""
    folder = tmp_path_factory.mktemp("tracked")
    uri = f"sqlite:///{folder}/store/mlflow.db"
    settings = small_settings(folder / "run", "tracking=mlflow", f"tracking.uri={uri}")
    assert run(settings) == EXIT_OK
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("search")
    return settings, client, client.search_runs([experiment.experiment_id])


def parent_of(runs):
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parent


def test_one_run_a_search_with_configuration_scores_and_verdict(tracked):
    settings, client, runs = tracked
    parent = parent_of(runs)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["driver.budget"] == "40"
    assert parent.data.params["search_space.engine.max_running.high"] == "512"
    assert parent.data.tags["mlflow.note.content"].endswith(".")
    history = client.get_metric_history(parent.info.run_id, "search/best")
    assert [point.step for point in history] == [0, 1, 2, 3]
    assert sorted(point.value for point in history) == [point.value for point in history]
    assert parent.data.metrics["search/candidates"] == 40
    assert 0 < parent.data.metrics["generation/new"] <= 1 == parent.data.metrics["generation/scored"]
    assert parent.info.start_time <= parent.info.end_time
    assert "verdict/baselines/llm-d-default/t_low" in parent.data.metrics
    assert "verdict/optimism" in parent.data.metrics
    assert parent.info.run_name == f"{settings.run_dir.parent.name}/{settings.run_dir.name}"


def test_what_was_found_can_be_drawn_over_many_searches(tracked):
    """A weight that the policy found does not have is 0, or searches without it would drop out of a plot."""
    settings, _, runs = tracked
    candidate, metrics = load_policy(settings.run_dir / "best_candidate.yaml"), parent_of(runs).data.metrics
    weights = {scorer.name: scorer.weight for scorer in candidate.routing.scorers or ()}
    searched = [key.removeprefix("routing.scorers.") for key in settings.space if key.startswith("routing.scorers.")]
    assert weights and len(searched) > len(weights)
    for name in searched:
        assert metrics[f"winner/weights/{name}"] == weights.get(name, 0)
    assert metrics["winner/engine/max_running"] == candidate.engine.max_running


def test_all_files_are_artifacts(tracked):
    settings, client, runs = tracked
    parent = parent_of(runs)
    names = {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert names - {"primary"} == {path.name for path in settings.run_dir.iterdir()}
    assert {item.path for item in client.list_artifacts(parent.info.run_id, "figures")} == {"figures/overview.png"}


def children_of(runs):
    return [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent_of(runs).info.run_id]


def test_baselines_finalists_and_others_are_child_runs(tracked):
    settings, _, runs = tracked
    children = children_of(runs)
    kinds = Counter(child.data.tags["status"] for child in children)
    assert kinds["baseline"] == len(settings.baselines) and kinds["finalist"] == settings.validation.finalists
    assert kinds["candidate"] > 10
    assert len({child.data.tags["genome_id"] for child in children}) == len(children) <= settings.tracking.children
    for child in children:
        assert {"fitness", "u", *settings.problem.fitness.terms} <= set(child.data.metrics)
        assert set(child.data.params) <= set(settings.space)
        assert child.data.tags["status"] == "baseline" or "routing.policy" in child.data.params


def test_the_requests_are_inputs_with_digests(tracked):
    _, _, runs = tracked
    inputs = parent_of(runs).inputs.dataset_inputs
    assert {tag.value for one in inputs for tag in one.tags} == {"search", "selection", "report"}
    assert len({one.dataset.digest for one in inputs}) == 3


def exported(client, runs, alias):
    """The bundle of a registered version by its alias."""
    (model,) = client.search_registered_models()
    version = client.get_model_version_by_alias(model.name, alias)
    assert version.run_id == parent_of(runs).info.run_id
    (path,) = Path(unquote(urlparse(version.source).path)).glob("*policy.yaml")
    return load_policy(path)


def test_what_is_exported_and_what_it_was_held_against_are_registered(tracked):
    settings, client, runs = tracked
    best = load_policy(settings.run_dir / "best_policy.yaml")
    assert bundle_mapping(exported(client, runs, "champion")) == bundle_mapping(best)
    baseline = settings.problem.policy(exported(client, runs, "baseline"))
    assert baseline.id == settings.problem.against.id


def test_a_broken_store_warns_once_and_loses_nothing(tmp_path, capfd):
    settings = small_settings(tmp_path / "run", "tracking=mlflow", "tracking.uri=sqlite:////proc/none/mlflow.db")
    assert run(settings) == EXIT_OK
    err = capfd.readouterr().err
    assert err.startswith("warning: not tracked in MLflow any more: ")
    assert len(err.splitlines()) == 1
    assert (tmp_path / "run" / "verdict.json").is_file()


@pytest.fixture
def server():
    """A socket that is open; whether it answers is another question."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening


@pytest.mark.parametrize("silent", [False, True])
def test_a_server_that_is_dead_or_silent_is_given_up(tmp_path, capfd, monkeypatch, server, silent):
    if silent:
        server.listen()
    monkeypatch.setattr("search.run_folder.mlflow_store.SERVER_PATIENCE_S", 3.0)
    without_pictures(monkeypatch)
    uri = f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"
    settings = small_settings(tmp_path / "run", "tracking=mlflow", f"tracking.uri={uri}")
    assert run(settings) == EXIT_OK
    out, err = capfd.readouterr()
    assert err.startswith("warning: not tracked in MLflow any more: ")
    assert len(err.splitlines()) == 1
    assert "secret" not in out + err
    for path in written(tmp_path / "run"):
        assert b"secret" not in path.read_bytes(), path


@pytest.mark.parametrize(("kind", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")])
def test_whatever_ends_a_search_ends_its_run(tmp_path, monkeypatch, kind, status):
    """An error in its last steps, or a second Ctrl-C."""
    client = Client()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    settings = small_settings(tmp_path, "tracking=mlflow", "tracking.uri=http://host", "tracking.experiment=mine")
    with pytest.raises(kind), Tracker(settings):
        raise kind
    (run,) = client.runs.values()
    assert run.status == status


def test_names_with_dots_keep_them(tmp_path, monkeypatch):
    client, verdict = Client(), drawn_verdict()
    monkeypatch.setattr("search.run_folder.mlflow_store.connect", lambda uri: client)
    settings = small_settings(tmp_path, "tracking=mlflow", "tracking.uri=http://host", "tracking.experiment=mine")
    proof = replace(verdict.proof, baselines={"v1.2 (new)": verdict.proof.baselines["llm-d"]})
    with Tracker(settings) as tracker:
        question = replace(verdict.question, primary="v1.2 (new)")
        tracker.finish(settings, Archive((), ()), replace(verdict, evidence=proof, question=question), Stopwatch())
    (run,) = client.runs.values()
    logged = dict((name, value) for name, value, _ in run.metrics)
    assert logged["verdict/baselines/v1.2 _new_/t_low"] == 0.05


def test_without_a_store_mlflow_is_not_touched(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)  # an import would fail
    store = Store("", "")
    store.open("", {}, {})
    store.metrics({"a": 1.0})
    store.close("FINISHED")
