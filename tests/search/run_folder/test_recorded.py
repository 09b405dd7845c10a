"""A run folder read back: what was written is what is read."""

import shutil

import pytest

from blis.errors import EngineError, InputError
from search.__main__ import run
from search.application import EXIT_OK
from search.identity import run_id, scenario_id
from search.run_folder.recorded import as_written, exported_bundle, read_archive, read_run, read_settings
from tests.search.small import small_settings


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished search whose store had a secret."""
    where = "tracking=mlflow", "tracking.uri=http://me:secret@host"
    settings = small_settings(tmp_path_factory.mktemp("recorded"), *where, "seeds=[lmetric]", "driver.budget=24")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.__main__.write_overview", lambda *arguments: None)
        patch.setattr("search.run_folder.tracking.Store", lambda *_: Nothing())
        assert run(settings) == EXIT_OK
    return settings


class Nothing:
    """A store that takes everything and keeps nothing."""

    def __getattr__(self, name):
        return lambda *_: None


def test_the_settings_come_back_without_the_store(finished):
    found = read_settings(finished.run_dir)
    assert (run_id(found), scenario_id(found)) == (run_id(finished), scenario_id(finished))
    assert (found.config, found.tracking.enabled) == (finished.config, False)


def test_the_archive_comes_back_cell_by_cell(finished):
    found = read_run(finished.run_dir)
    assert found.archive.csv_text() == (finished.run_dir / "candidates.csv").read_text()
    assert [row.policy for row in found.archive.rows] == [None] * 24
    assert found.verdict["run_id"] == run_id(finished)
    assert found.seconds.keys() == {"search", "validation", "explanation", "export"}


def test_what_failed_and_what_the_space_does_not_know_is_blank():
    text = (
        "index,generation,origin,name,genome_id,status,reason,fitness,f_a,u,harm,seed_0,seed_1,rate-0.8,engine.x,scheduler\n"
        "0,0,baseline,mine,ab,ok,,0.1,-0.5,0.0,0.25,0.3,-0.1,0.5,,\n"
        '1,0,model,,cd,failed,"late, and how",,,,,0.3,,,7,fcfs\n'
    )
    found = read_archive(text, ("engine.x", "scheduler"))
    assert found.csv_text() == text
    assert (found.space_keys, found.terms) == (("engine.x", "scheduler"), ("f_a",))
    assert found.rows[0].genome == {} and found.rows[1].evaluation.fitness is None
    assert [row.evaluation.worlds for row in found.rows] == [{"rate-0.8": 0.5}, {"rate-0.8": None}]


@pytest.mark.parametrize("name", ["candidates.csv", "run_info.json"])
def test_files_that_somebody_changed_are_one_line(finished, tmp_path, name):
    folder = shutil.copytree(finished.run_dir, tmp_path / "run")
    (folder / name).write_text("{}")
    with pytest.raises(InputError, match=f"{folder}: its files are not as a search wrote them: "):
        read_run(folder)


def test_numbers_that_somebody_took_away_are_one_line(tmp_path):
    wrong = f"{tmp_path}: its files are not as a search wrote them: TypeError: "
    with pytest.raises(InputError, match=wrong), as_written(tmp_path):
        sum({"search": [], "export": 2.0}.values())


@pytest.mark.parametrize("error", [EngineError("disk full"), InputError("no such key")])
def test_what_is_said_already_stays_as_it_is(tmp_path, error):
    with pytest.raises(type(error), match=f"^{error}$"), as_written(tmp_path):
        raise error


@pytest.mark.parametrize("text", ["", "routing: {policy: random}\n"])
def test_a_bundle_that_no_search_exported(tmp_path, text):
    (tmp_path / "best_policy.yaml").write_text(text)
    with pytest.raises(InputError, match=r"best_policy\.yaml: no provenance"):
        exported_bundle(tmp_path)


@pytest.mark.parametrize("text", ["cluster: 3\n", "tracking: {enabled: true}\n", "a: [\n"])
def test_a_configuration_that_is_none_is_one_line(finished, tmp_path, text):
    (tmp_path / "verdict.json").write_text("{}")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_settings(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/config.yaml: ") and "\n" not in str(error.value)
