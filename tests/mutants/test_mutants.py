"""The lists of faults are not stale: every snippet is still there, once."""

from pathlib import Path

import pytest

from tests.mutants import Mutant
from tests.mutants.runner import areas, flaw
from tests.places import ROOT

ALL = [(area, mutant) for area, mutants in areas().items() for mutant in mutants]


def test_every_snippet_is_found_exactly_once():
    assert [problem for _, mutant in ALL if (problem := flaw(mutant))] == []


def test_every_fault_changes_something_says_what_and_is_listed_once():
    assert all(mutant.old != mutant.new and mutant.why for _, mutant in ALL)
    faults = [(mutant.file, mutant.old, mutant.new) for _, mutant in ALL]
    assert len(set(faults)) == len(faults)


def test_every_fault_leaves_a_program():
    for _, mutant in ALL:
        compile((ROOT / mutant.file).read_text().replace(mutant.old, mutant.new), mutant.file, "exec")


@pytest.mark.parametrize(
    ("file", "old", "tests", "problem"),
    [
        ("code.py", "b = 2", ("test.py",), None),
        ("code.py", "c = 3", ("test.py",), "code.py: found 0 times, not once: 'c = 3'"),
        ("code.py", "a", ("test.py",), "code.py: found 2 times, not once: 'a'"),
        ("gone.py", "a", ("test.py",), "gone.py: no such file"),
        ("code.py", "b = 2", ("test.py", "gone.py"), "code.py: no such tests: gone.py"),
        ("code.py", "b = 2", (), "code.py: no such tests: none given"),
    ],
)
def test_a_stale_mutant_is_an_error(tmp_path: Path, file: str, old: str, tests: tuple[str, ...], problem: str | None):
    (tmp_path / "code.py").write_text("a = 1\na = 1\nb = 2\n")
    (tmp_path / "test.py").write_text("")
    assert flaw(Mutant(file, old, "", tests, "gone"), tmp_path) == problem
