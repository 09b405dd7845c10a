"""Rows over one scale: places in percent, in order, and a word for what an interval says."""

import pytest

from search.report.intervals import forest

FOUND = {
    "better": {"mean": 0.2, "t": [0.1, 0.3]},
    "worse": {"mean": -0.2, "t": [-0.3, -0.1]},
    "neither": {"mean": 0.0, "interval": [-0.1, 0.1]},
    "unknown": {"mean": 0.1, "interval": None},
}


def test_places_are_in_proportion():
    found = forest(FOUND)
    better, worse, neither, unknown = found.rows
    assert neither.at == found.zero == pytest.approx(50)
    assert better.high - better.at == pytest.approx(better.at - better.low, abs=0.02)
    assert worse.at + better.at == pytest.approx(100, abs=0.02)
    assert worse.low > 0 and better.high < 100
    assert (unknown.low, unknown.high) == (None, None)
    for at, label in found.ticks:
        assert at - found.zero == pytest.approx(float(label) / 0.2 * (better.at - found.zero), abs=0.05)


def test_words_and_numbers():
    found = forest(FOUND, {"better": "what runs today"})
    assert [row.word for row in found.rows] == ["better", "worse", "", ""]
    assert [row.interval for row in found.rows[1:]] == ["[-0.300, -0.100]", "[-0.100, +0.100]", "none"]
    assert [row.note for row in found.rows] == ["what runs today", "", "", ""]
    assert found.rows[0].mean == "+0.200"
    assert "0" in [label for _, label in found.ticks]


def test_zero_is_on_the_scale_of_gains():
    found = forest({"one": {"mean": 5.0, "t": [4.0, 6.0]}})
    assert 0 < found.zero < found.rows[0].low


def test_nothing_but_zeros_has_a_scale():
    (row,) = forest({"itself": {"mean": 0.0, "t": [0.0, 0.0]}}).rows
    assert row.low == row.at == row.high == 50
