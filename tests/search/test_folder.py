"""A run folder belongs to one search: who comes second takes another, or is told."""

import subprocess
import sys

import pytest

from blis.errors import InputError
from search.folder import claimed, short_name, written
from tests.places import ROOT


def test_a_new_folder_is_made_and_taken_away_if_nothing_came_of_it(tmp_path):
    folder = tmp_path / "a" / "b"
    with claimed(folder) as found:
        assert found == folder and folder.is_dir()
    assert not folder.exists()


def test_what_came_of_it_stays_and_nothing_else_does(tmp_path):
    with claimed(tmp_path / "run") as folder:
        (folder / "verdict.json").write_text("{}")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["verdict.json"]


def test_what_ends_a_search_gives_its_folder_back(tmp_path):
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path / "run"):
        raise KeyboardInterrupt
    with claimed(tmp_path / "run"):
        pass


@pytest.mark.parametrize("name", ["checkpoint", "config.yaml", "pareto/0123.yaml", "figures/overview.png"])
def test_an_earlier_search_is_never_written_over(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError) as error, claimed(tmp_path):
        pass
    assert str(error.value) == (f"{tmp_path} belongs to an earlier search; to go on with it: resume={tmp_path}")
    with claimed(tmp_path, resumed=True) as folder:
        assert folder == tmp_path
    assert (tmp_path / name).read_text() == "mine"


def test_other_files_do_not_matter(tmp_path):
    (tmp_path / "data.bin").write_text("mine")
    with claimed(tmp_path) as folder:
        (folder / "candidates.csv").write_text("")
        assert written(folder) == [folder / "candidates.csv"]


HOLDER = """
import sys
from pathlib import Path
from search.folder import claimed
with claimed(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path):
    """A folder that another process holds."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield tmp_path / "run"
    process.communicate("")


@pytest.mark.parametrize("resumed", [False, True])
def test_two_processes_never_share_a_folder(held, resumed):
    with (
        pytest.raises(InputError, match="/run belongs to a search that is under way"),
        claimed(held, resumed=resumed),
    ):
        pass


def test_who_did_not_name_a_folder_gets_the_next_that_is_free(held):
    (held.parent / "run-2").mkdir()
    (held.parent / "run-2" / "verdict.json").write_text("{}")
    with claimed(held, movable=True) as third, claimed(held, movable=True) as fourth:
        assert (third.name, fourth.name) == ("run-3", "run-4")


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for folder, problem in ((tmp_path / "file", "File exists"), (tmp_path / "file" / "run", "Not a directory")):
        with pytest.raises(InputError, match=f"{folder}: {problem}"), claimed(folder):
            pass


def test_nothing_that_only_some_systems_have_is_needed_to_import_it():
    script = "import sys; sys.modules['fcntl'] = None; import search.application, search.run_folder.mlflow_store"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, check=True)


def test_the_end_of_a_path_names_a_search(tmp_path):
    assert short_name(tmp_path / "outputs" / "2026-11-29" / "08-47-54") == "2026-11-29/08-47-54"
    assert short_name("run") == "run"
