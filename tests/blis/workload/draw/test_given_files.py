import json

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.generate import generate
from blis.workload.draw.given_files import read_bins, read_times, with_files_read
from blis.workload.draw.spec import load_spec, spec_mapping


def client(**changes):
    law = {"type": "constant", "params": {"value": 5}}
    return {
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": law,
        "output_distribution": law,
        **changes,
    }


def spec(**changes):
    return {"aggregate_rate": 10, "num_requests": 40, "clients": [client(**changes)]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bins.json", json.dumps({"16": 1, "32": 3})),
        ("bins.csv", "tokens,weight\n16,1\n\n32, 3\n"),
        ("b", "16,1\n32,3"),
    ],
)
def test_a_histogram_comes_from_a_file(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    assert read_bins(str(path)) == {"16": 1, "32": 3}
    from_file = load_spec(spec(input_distribution={"type": "empirical", "file": str(path)}))
    inline = load_spec(spec(input_distribution={"type": "empirical", "params": {16: 1, 32: 3}}))
    assert from_file == inline == load_spec(spec_mapping(inline))
    assert set(generate(inline, 1).input_tokens.tolist()) == {16, 32}


def test_arrivals_come_in_the_pattern_of_a_file(tmp_path):
    path = tmp_path / "times.txt"
    path.write_text("time\n100\n101\n101\n104\n")
    assert read_times(str(path)) == [100, 101, 101, 104]
    loaded = load_spec(spec(arrival={"process": "recorded", "file": str(path)}))
    assert loaded == load_spec(spec(arrival={"process": "recorded", "times": [100, 101, 101, 104]}))
    gaps = np.diff(generate(loaded, 1, n=7).arrival_us, prepend=0)
    np.testing.assert_allclose(gaps, np.array([1, 0, 3, 1, 0, 3, 1]) * 75_000, atol=2)
    assert len(generate(loaded, 1)) / generate(loaded, 1).arrival_us[-1] * 1e6 == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("16,1\n32\n", "line 2: 2 values are wanted, got 1"),
        ("16,1\n32,x\n", "line 2: not a number: 'x'"),
        ('{"16": }', "line 1: Expecting value"),
        ('{"16": null}', "key 16: not a number: None"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path, text, problem):
    path = tmp_path / "bins"
    path.write_text(text)
    with pytest.raises(InputError) as info:
        read_bins(str(path))
    assert str(info.value) == f"{path}: {problem}"


def test_a_file_without_a_name_is_none():
    for nothing in ("", None):
        assert with_files_read({"type": "gaussian", "file": nothing}) == {"type": "gaussian"}


def test_a_file_that_nothing_reads_is_refused():
    with pytest.raises(InputError, match="file 'x': only an empirical distribution without params"):
        with_files_read({"type": "gaussian", "params": {}, "file": "x"})
    with pytest.raises(InputError, match="unknown key 'file'"):
        load_spec(spec(input_distribution={"type": "empirical", "params": {16: 1}, "file": 5}))
    with pytest.raises(InputError, match="nowhere"):
        load_spec(spec(input_distribution={"type": "empirical", "file": "nowhere"}))
