from pathlib import Path

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.read.sheet import Sheet, missing_names


def sheet(tmp_path, text, *required, **options):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    return Sheet(path, required, **options)


def test_cells_by_column_and_the_lines_they_stand_in(tmp_path):
    found = sheet(tmp_path, '\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n', "b", "a")
    assert found.cells == {"a": ("1", "2"), "b": ("x\ny", "z")}
    assert found.lines == [3, 5]
    assert len(found) == 2


def test_other_columns_are_refused_unless_they_are_allowed(tmp_path):
    with pytest.raises(InputError, match=r"line 1: unknown column 'bb' \(did you mean 'b'\?\)"):
        sheet(tmp_path, "a,bb\n1,2\n", "a", optional=("b",))
    assert sheet(tmp_path, "a,bb\n1,2\n", "a", others_allowed=True).cells["bb"] == ("2",)


def test_numbers_of_a_kind(tmp_path):
    found = sheet(tmp_path, "a,b\n1,0.5\n,nan\n", "a", "b")
    assert found.integers("a", 0, 9, blank=7).tolist() == [1, 7]
    with pytest.raises(InputError, match="line 3: column a: '' is not a whole number"):
        found.integers("a", 0, 9)
    with pytest.raises(InputError, match="line 2: column a: '1' must be >= 2"):
        found.integers("a", 2, 9, blank=7)
    with pytest.raises(InputError, match="line 3: column b: 'nan' must be small"):
        found.numbers("b", lambda x: x < 1, "small")
    with pytest.raises(InputError, match="line 3: column b: 'nan' is odd, row 1"):
        found.check("b", np.array([True, False]), lambda row: f"is odd, row {row}")


def test_a_missing_name_finds_one_like_it_whatever_its_case():
    assert missing_names("column", ["TIME"], ["x", "time_"]) == "column 'TIME' is missing (is it 'time_'?)"
    assert missing_names("key", ["hash_ids"], ["prompt"]) == "key 'hash_ids' is missing"
    assert missing_names("key", ["a", "b"], ["b", "a"]) == ""


def test_all_missing_names_are_said_at_once(tmp_path: Path):
    assert missing_names("key", ["TIME", "b", "c"], ["b", "time_"]) == "keys 'TIME' (is it 'time_'?), 'c' are missing"
    (tmp_path / "x.csv").write_text("a\n1\n")
    with pytest.raises(InputError, match="line 1: columns 'b', 'c' are missing"):
        Sheet(tmp_path / "x.csv", ("a", "b", "c"))
