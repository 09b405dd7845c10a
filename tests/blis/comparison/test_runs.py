"""Runs for a comparison: what counts of each, and a picture of all of them."""

from pathlib import Path

import numpy as np
import pytest

import blis
from blis.comparison.measures import rows_of
from blis.comparison.runs import counted_run, write_picture
from tests.blis.conftest import REQUESTS, SCENARIO


@pytest.fixture
def table(tmp_path: Path):
    (tmp_path / "requests.csv").write_text(REQUESTS)
    return blis.load_requests(tmp_path / "requests.csv")


@pytest.mark.parametrize("compat", [None, "original"])
def test_a_run_is_counted_by_its_rules(table, compat):
    scenario = blis.load_scenario(SCENARIO)
    rows = counted_run(scenario, table, compat)
    expected = rows_of(scenario, table, blis.simulate(scenario, table, compat=compat).table)
    np.testing.assert_array_equal(rows.e2e_ms, expected.e2e_ms)
    np.testing.assert_array_equal(rows.ttft_ms, expected.ttft_ms)


def test_the_picture_of_one_table_is_the_same_every_time(table, tmp_path):
    scenarios = {"one": blis.load_scenario(SCENARIO)}
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, scenarios, table)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
