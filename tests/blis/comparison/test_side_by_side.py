from dataclasses import replace

import numpy as np
import pytest

from blis.comparison.measures import MEASURES, rows_of
from blis.comparison.side_by_side import Difference, compare_policies
from blis.comparison.statistics import paired_t_interval
from blis.comparison.text import side_by_side_text
from blis.config import Instance, LatencyModel, Scenario
from blis.latency.standing import Standing
from blis.tables.records import REJECTED
from tests.blis.handmade import make_result, make_table, with_status

SCENARIO = Scenario(instance=Instance(latency_model=LatencyModel(beta=(1, 0, 0))))

GIVEN = Standing("given", "coefficients by hand", 20.0)


def played(tables, ttft_us, **more):
    return [rows_of(SCENARIO, table, make_result(table, us, **more)) for table, us in zip(tables, ttft_us, strict=True)]


def test_differences_are_paired_over_tables():
    tables = [make_table(20)] * 3
    slow, fast = played(tables, [3000, 5000, 9000]), played(tables, [2000, 4500, 8000])
    found = compare_policies({"slow": slow, "fast": fast}, tables, "slow")
    assert list(found.differences) == ["fast"]
    difference = found.differences["fast"]["TTFT mean"]
    assert difference.bounds == paired_t_interval([-1.0, -0.5, -1.0])
    assert difference.mean == pytest.approx(-5 / 6)
    assert found.values["slow"]["TTFT mean"] == pytest.approx(17 / 3)
    assert "3 tables" in found.method


def test_verdicts_know_which_way_is_better():
    assert Difference(-1, (-2, -0.5)).verdict(more_is_better=False) == "better"
    assert Difference(-1, (-2, -0.5)).verdict(more_is_better=True) == "worse"
    assert Difference(1, (0.5, 2)).verdict(more_is_better=True) == "better"
    assert Difference(1, (-0.5, 2)).verdict(more_is_better=True) == "unproved"
    assert Difference(0, (0.0, 0.0)).verdict(more_is_better=True) == "same"
    assert Difference(1, None).verdict(more_is_better=True) == ""


def long_table(n=4000):
    return replace(make_table(n), arrival_us=np.arange(n) * 10_000)


def test_one_table_is_drawn_again_in_blocks_of_its_time():
    table = long_table(1000)
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 2000, len(table))
    base = played([table], [20_000 + noise])
    same, faster = (
        played([table], [20_000 + noise]),
        played([table], [18_000 + noise + rng.integers(0, 900, len(table))]),
    )
    found = compare_policies({"base": base, "same": same, "faster": faster}, [table], "base", seed=5)
    assert found.differences["same"]["TTFT mean"].bounds == (0.0, 0.0)
    low, high = found.differences["faster"]["TTFT mean"].bounds
    assert low < found.differences["faster"]["TTFT mean"].mean < high < 0
    assert "blocks" in found.method
    again = compare_policies({"base": base, "same": same, "faster": faster}, [table], "base", seed=5)
    assert repr(again) == repr(found)  # some are not a number


def test_each_policy_has_its_own_blocks_and_too_few_are_named():
    table = long_table()  # 40 s
    e2e_us = {"base": 1, "fast": 80_000, "slow": 500_000, "idle": 1e6}
    runs = {name: played([table], [us]) for name, us in e2e_us.items()}
    found = compare_policies(runs, [table], "base")
    assert found.method == "95 % BCa bootstrap over 15 to 99 blocks of time of one table, too few for idle"
    assert found.differences["idle"]["TTFT mean"].bounds is None
    assert found.differences["slow"]["TTFT mean"].bounds is not None


def test_a_long_table_is_cut_into_no_more_blocks_than_help():
    table = long_table(400)  # 4 s of requests that take 2 ms: room for 400 blocks
    found = compare_policies({"base": played([table], [2000]), "same": played([table], [2000])}, [table], "base")
    assert found.method == "95 % BCa bootstrap over 200 blocks of time of one table"


def test_blocks_are_long_enough_for_the_slower_one():
    table = long_table(400)  # 4 s: 20 blocks of five times 0.04 s would not quite fit
    fast, slow = played([table], [2000]), played([table], [40_000])
    for pair in ({"a": fast, "b": slow}, {"a": slow, "b": fast}):
        assert "over 19 blocks" in compare_policies(pair, [table], "a").method


def test_blocks_drawn_twice_count_twice():
    """Of independent requests, resamples of blocks vary as much as Student's t says."""
    table, noise = long_table(400), np.random.default_rng(3).normal(3000, 300, 400).astype(int)
    found = compare_policies({"base": played([table], [2000]), "other": played([table], [noise])}, [table], "base")
    low, high = found.differences["other"]["TTFT mean"].bounds
    expected = paired_t_interval((noise - 2000) / 1000)
    assert high - low == pytest.approx(expected[1] - expected[0], rel=0.12)


def test_a_short_table_has_differences_without_intervals():
    table = make_table(20)
    found = compare_policies({"a": played([table], [1_000_000]), "b": played([table], [2_000_000])}, [table], "a")
    assert found.differences["b"]["TTFT mean"] == Difference(1000.0, None)
    assert found.method.startswith("no intervals")


def test_what_nobody_measured_is_no_number_in_the_table():
    tables = [make_table(20)] * 2
    nobody = [rows_of(SCENARIO, table, with_status(make_result(table, 5), slice(None), REJECTED)) for table in tables]
    found = compare_policies({"open": played(tables, [5, 5]), "shut": nobody}, tables, "open")
    assert found.differences["shut"]["TTFT mean"].bounds is None
    text = side_by_side_text(found, GIVEN)
    assert "nan" not in text and "inf" not in text
    assert "shut" in text and "–" in text


def test_the_text_shows_every_measure_and_policy():
    tables = [make_table(20)] * 3
    text = side_by_side_text(
        compare_policies(
            {"slow": played(tables, [3e6, 5e6, 9e6]), "fast": played(tables, [2e6, 3e6, 7e6])}, tables, "slow"
        ),
        GIVEN,
    )
    assert all((name in text) != measure.rare for name, measure in MEASURES.items())
    lines = text.splitlines()
    assert lines[0] == "against slow; 95 % paired t over 3 tables, each by itself"
    start = lines.index("TTFT mean (ms)")
    assert lines[start + 1] == "  slow  5666.7  baseline"
    assert lines[start + 2] == "  fast  4000.0  -1666.7 [-3100.9, -232.4]  better"
