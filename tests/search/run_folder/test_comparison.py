"""`blis-search compare`: searches of one store side by side; without a store one clear line."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from blis.policies.scorers import SCORERS
from search.__main__ import main, run
from search.application import EXIT_INPUT, EXIT_OK
from search.run_folder.comparison import WIDTH, side_by_side, tables
from tests.search.small import small_settings, without_pictures


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two searches in one store; the second was interrupted and resumed."""
    folder = tmp_path_factory.mktemp("compared")
    uri = f"sqlite:///{folder}/mlflow.db"
    small = ["tracking=mlflow", f"tracking.uri={uri}", "driver.budget=24", "driver.batch=12"]
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(small_settings(folder / "one", *small)) == EXIT_OK
        two = [*small, "driver=random", "seed=2"]
        patch.setattr("search.__main__.validate", interrupt)
        run(small_settings(folder / "two", *two))
        patch.undo()
        without_pictures(patch)
        assert run(small_settings(folder / "two", *two, f"resume={folder / 'two'}")) == EXIT_OK
    return folder, uri


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.fixture
def compare(monkeypatch, capsys):
    """Runs `python -m search compare <arguments>`; gives exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["search", "compare", *arguments])
        return main(), *capsys.readouterr()

    return call


def columns(shown):
    """The cells of every column of the tables by its label, from their places in the lines."""
    found = {}
    for table in shown.split("\n\n"):
        head, *rows = table.splitlines()
        starts = [match.start() for match in re.finditer(r"(?:(?<=  )|^)\S", head)]
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            found[head[start:end].strip()] = [row[start:end].strip() for row in rows]
    return found


def test_two_searches_side_by_side(store, compare):
    folder, uri = store
    code, out, err = compare("--uri", uri)
    assert (code, err) == (EXIT_OK, "")
    found = columns(out)
    assert [place.split("/")[-1] for place in found["folder"]] == ["one", "two"]
    assert found["driver.name"] == ["deap_ga", "random"]
    assert found["seed"] == ["1", "2"]
    assert "driver.budget" not in found
    for label in ("fitness, fresh tables", "optimism"):
        assert all(re.fullmatch(r"[+-]\d\.\d{3}", cell) for cell in found[label])
    advice = [json.loads((folder / name / "verdict.json").read_text())["advice"] for name in ("one", "two")]
    assert found["exports"] == [one["name"] or "the policy found" for one in advice]
    for label in ("95 % interval", "wall", "verdict", "ttft_p99_ms", "prompt_hit_rate"):
        assert all(found[label])
    weights = [label for label in found if label in SCORERS]
    assert all(any(found[label][place] for label in weights) for place in range(2))
    assert max(map(len, out.split("\n\n")[0].splitlines())) <= WIDTH
    assert re.search(r"^1: .*llm-d-default.*\.$", out, re.MULTILINE)
    assert out.splitlines()[-1].endswith(f"mlflow ui --backend-store-uri {uri}")
    assert "/#/experiments/1/runs" in out.splitlines()[-1]


def test_columns_that_do_not_fit_go_on_below():
    shown = tables([(f"column{i}", [f"{i}", "x" * 30]) for i in range(8)])
    assert len(shown) > 1
    assert all(len(line) <= WIDTH for table in shown for line in table.splitlines())
    assert [table.split()[0] for table in shown] == ["column0", "column3", "column6"]
    assert all(line[0] == str(place) for table in shown for place, line in enumerate(table.splitlines()[1:], 1))


def test_a_resumed_search_goes_on_with_its_mlflow_run(store):
    folder, uri = store
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("search").experiment_id])
    searches = [run for run in runs if "folder" in run.data.tags]
    assert [run.data.tags["folder"] for run in searches] == [str(folder / "two"), str(folder / "one")]
    assert {run.info.status for run in searches} == {"FINISHED"}
    for search in searches:
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == search.info.run_id]
        assert 8 < len(children) <= 48  # none twice
        assert len({run.info.run_name for run in children}) == len(children)


def test_runs_are_chosen_by_folder_id_or_number(store, compare):
    folder, uri = store
    for chosen in (["--last", "1"], [str(folder / "two")], [f"{folder.name}/two/"]):
        code, out, _ = compare("--uri", uri, *chosen)
        assert code == EXIT_OK
        assert "/two" in out and "/one" not in out
    (run_id,) = columns(compare("--uri", uri, "--last", "1")[1])["run id"]
    assert compare("--uri", uri, run_id[:6]) == compare("--uri", uri, "--last", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no search 'nowhere' in the store"),
        (["--last", "0"], "--last must be at least 1, got 0"),
        (["--last", "2", "one"], "give runs or --last N, not both"),
    ],
)
def test_what_is_not_there_is_one_line(store, compare, arguments, message):
    code, out, err = compare("--uri", store[1], *arguments)
    assert (code, out) == (EXIT_INPUT, "")
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) == 1


def test_a_store_that_does_not_answer_is_one_line_without_its_secret(compare, monkeypatch):
    def refuse(uri):
        raise ConnectionError(f"no login at {uri}")

    monkeypatch.setattr("search.run_folder.comparison.connect", refuse)
    assert compare("--uri", "http://me:secret@host") == (
        EXIT_INPUT,
        "",
        "error: http://***@host cannot be read: ConnectionError: no login at http://***@host\n",
    )
    assert compare("--uri", "sqlite:///")[0] == EXIT_INPUT


def test_without_a_store_one_line_and_no_store_is_made(compare, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = compare()
    assert (code, out) == (EXIT_INPUT, "")
    assert (
        err == f"error: no searches to compare: {tmp_path}/outputs/mlflow.db does not exist; "
        "run `python -m search` first\n"
    )
    assert not list(tmp_path.iterdir())
    (tmp_path / "broken.db").write_text("no database")
    code, _, err = compare("--uri", "sqlite:///broken.db")
    assert code == EXIT_INPUT
    assert len(err.splitlines()) == 1


def test_a_search_that_still_runs_or_was_killed_has_no_verdict_yet():
    info = SimpleNamespace(start_time=0, run_id="a1", status="RUNNING")
    data = SimpleNamespace(tags={"run_id": "b2", "folder": "/x/y/z"}, params={}, metrics={})
    shown = side_by_side([SimpleNamespace(info=info, data=data)])
    assert "1: no verdict yet." in shown
    assert columns(shown)["verdict"] == ["running"]


def test_the_interval_of_a_baseline_of_any_name_is_found():
    for primary, logged in (("v1.2", "v1.2"), ("best@2026 (new)", "best_2026 _new_")):
        metrics = {f"verdict/baselines/{logged}/t_{side}": value for side, value in (("low", 0.1), ("high", 0.2))}
        data = SimpleNamespace(tags={"run_id": "b2", "primary": primary}, params={}, metrics=metrics)
        run = SimpleNamespace(info=SimpleNamespace(start_time=0, run_id="a1", status="FINISHED"), data=data)
        assert columns(side_by_side([run]))["95 % interval"] == ["[+0.100, +0.200]"]


def test_many_different_keys_are_counted():
    def search(seed):
        data = SimpleNamespace(tags={"run_id": "b2"}, params={f"key{i}": f"{seed}{i}" for i in range(50)}, metrics={})
        return SimpleNamespace(info=SimpleNamespace(start_time=0, run_id="a1", status="FINISHED"), data=data)

    shown = side_by_side([search(1), search(2)])
    assert "and 20 more keys" in shown
    assert "key29" in shown and "key30" not in shown
