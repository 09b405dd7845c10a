"""`blis-search sync`: a store has the same of a search whether it was there or reads it from the folder."""

import shutil

import pytest
import yaml
from mlflow.tracking import MlflowClient

from search.__main__ import main, run
from search.application import EXIT_FAILURE, EXIT_INPUT, EXIT_OK
from search.folder import claimed
from search.run_folder.sync import main as sync
from tests.search.run_folder.test_tracking import children_of, parent_of
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def tracked(tmp_path_factory):
    """A finished run, its store and what that has. One for all tests: a new store takes seconds."""
    folder = tmp_path_factory.mktemp("synced")
    uri = f"sqlite:///{folder}/mlflow.db"
    few = ["driver.budget=24", "driver.batch=12", "validation.explain=false"]
    settings = small_settings(folder / "run", "tracking=mlflow", f"tracking.uri={uri}", *few)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)
        assert run(settings) == EXIT_OK
    client = MlflowClient(uri)
    return settings, client, searched(client)


def searched(client):
    """All runs of the experiment."""
    (experiment,) = [one for one in client.search_experiments() if one.name == "search"]
    return client.search_runs([experiment.experiment_id])


def facts(run):
    """What a run says, but for its place in the store and what was told while the search went on."""
    tags = {key: value for key, value in run.data.tags.items() if key != "mlflow.parentRunId"}
    return run.info.run_name, run.info.status, run.data.params, run.data.metrics, tags


@pytest.mark.parametrize("uri", ["", "other"])
def test_records_are_made_again_from_the_folder_as_often_as_one_likes(tracked, tmp_path, capsys, uri):
    """Where the search was tracked, and in a store that has never heard of it."""
    settings, client, runs = tracked
    other = f"sqlite:///{tmp_path}/mlflow.db"
    for _ in range(2):
        assert sync([str(settings.run_dir), *(["--uri", other] if uri else [])]) == EXIT_OK
    assert capsys.readouterr() == (f"logged: {settings.run_dir}\n" * 2, "")
    there = MlflowClient(other) if uri else client
    again = searched(there)
    parent, before = parent_of(again), parent_of(runs)
    seconds = {key for key in before.data.metrics if key.startswith("seconds/")}
    for key in seconds:
        assert parent.data.metrics.pop(key) == pytest.approx(before.data.metrics[key], abs=1e-3)
    kept = {key: value for key, value in before.data.metrics.items() if key not in seconds}
    assert parent.data.metrics == kept
    assert (parent.data.params, parent.data.tags) == (before.data.params, before.data.tags)
    assert sorted(map(facts, children_of(again)), key=str) == sorted(map(facts, children_of(runs)), key=str)
    history = there.get_metric_history(parent.info.run_id, "search/best")
    assert [point.step for point in history] == [0, 1]
    (model,) = there.search_registered_models()
    assert len(there.search_model_versions(f"name = '{model.name}'")) == len({*model.aliases.values()})


@pytest.fixture
def folder(tracked, tmp_path):
    """The run folder, to be spoiled."""
    return shutil.copytree(tracked[0].run_dir, tmp_path / "run")


def test_a_store_that_cannot_be_written_is_a_failure(folder, capfd):
    assert sync([str(folder), "--uri", "sqlite:////proc/none/mlflow.db"]) == EXIT_FAILURE
    out, err = capfd.readouterr()
    assert out == "" and err.splitlines()[-1] == f"error: {folder}: not all of it is in the store"


@pytest.mark.parametrize("missing", ["verdict.json", "config.yaml", "candidates.csv", "run_info.json"])
def test_a_search_that_did_not_end_is_refused(folder, capfd, missing):
    (folder / missing).unlink()
    assert sync([str(folder)]) == EXIT_INPUT
    assert capfd.readouterr().err == f"error: {folder} holds no finished search: it has no {missing}\n"


def test_a_search_that_goes_on_is_left_alone(folder, capfd):
    with claimed(folder, resumed=True):
        assert sync([str(folder)]) == EXIT_INPUT
    assert capfd.readouterr().err == f"error: {folder} belongs to a search that is under way\n"


def test_a_store_whose_secret_is_not_known_is_asked_for(folder, capfd):
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["tracking"]["uri"] = "http://***@host"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    assert sync([str(folder)]) == EXIT_INPUT
    assert "tracking.uri was written down without its secret; give it again" in capfd.readouterr().err


def test_it_is_a_command_of_the_search(monkeypatch, capfd):
    monkeypatch.setattr("sys.argv", ["search", "sync", "nowhere"])
    assert main() == EXIT_INPUT
    assert capfd.readouterr().err.endswith("nowhere is no run folder\n")
