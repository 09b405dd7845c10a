"""Names of workloads are the same for every command."""

import pytest

from blis.cli.workload_names import named_workloads, workload_file
from blis.errors import InputError
from tests.places import CONF


def test_a_name_is_a_file_of_conf_and_a_path_is_what_it_is(tmp_path):
    assert named_workloads().keys() == {file.stem for file in (CONF / "workload").glob("*.yaml")} - {"trace"}
    assert workload_file("rag").endswith("conf/workload/rag.yaml")
    for path in ("rag.yaml", "somewhere/rag", str(tmp_path)):
        assert workload_file(path) == path


def test_what_is_in_the_folder_counts_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rag").write_text("{}")
    assert workload_file("rag") == "rag"


def test_no_name_is_told_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown workload 'two_peks' \(did you mean 'two_peaks'\?\)"):
        workload_file("two_peks")
