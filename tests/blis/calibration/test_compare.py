"""Figures of two columns of times, against worked examples and what must hold for any."""

from __future__ import annotations

import numpy as np
import pytest

from blis.calibration.compare import INSUFFICIENT, compare, ks_distance, pearson, quality

TIMES = np.array([100.0, 200.0, 400.0, 800.0, 1600.0] * 5)


def test_equal_times_have_no_error():
    found = compare(TIMES, TIMES)
    assert (found.n, found.mape_percent, found.median_ape_percent, found.bias_percent) == (25, 0, 0, 0)
    assert (found.bias, found.pearson_r, found.ks_distance, found.quality) == ("neutral", 1, 0, "excellent")
    assert all(one.recorded == one.simulated and one.error_percent == 0 for one in found.percentiles.values())


def test_ten_percent_more_is_ten_percent_of_error():
    found = compare(TIMES, 1.1 * TIMES)
    assert found.mape_percent == pytest.approx(10) and found.median_ape_percent == pytest.approx(10)
    assert found.bias_percent == pytest.approx(10) and found.bias == "over-predict"
    assert found.pearson_r == pytest.approx(1) and found.quality == "good"
    assert found.percentiles[50].error_percent == pytest.approx(10)
    assert compare(TIMES, 0.9 * TIMES).bias == "under-predict"


def test_errors_that_cancel_out_are_no_bias():
    found = compare(np.array([100.0, 100.0, 200.0]), np.array([130.0, 70.0, 200.0]))
    assert found.mape_percent == pytest.approx(20) and found.median_ape_percent == pytest.approx(30)
    assert found.bias_percent == pytest.approx(0, abs=1e-9)


def test_percentages_leave_out_recorded_zeros():
    found = compare(np.array([0.0, 100.0, 200.0]), np.array([50.0, 110.0, 220.0]))
    assert found.n == 3 and found.mape_percent == pytest.approx(10)
    nothing = compare(np.zeros(3), np.ones(3))
    assert np.isnan(nothing.mape_percent) and nothing.bias == "" and nothing.quality == INSUFFICIENT


def test_who_has_no_time_on_either_side_is_left_out():
    nan = np.nan
    found = compare(np.array([100.0, nan, 100.0, nan]), np.array([100.0, 100.0, nan, nan]))
    assert found.n == 1 and found.mape_percent == 0
    none = compare(np.array([nan]), np.array([1.0]))
    assert none.n == 0 and np.isnan(none.percentiles[99].recorded) and np.isnan(none.ks_distance)


def test_percentiles_are_linear_between_order_statistics():
    found = compare(np.array([10.0, 20.0, 30.0, 40.0, 50.0]), np.array([0.0, 0.0, 0.0, 0.0, 100.0]))
    assert found.percentiles[90].recorded == pytest.approx(46) and found.percentiles[90].simulated == pytest.approx(60)
    assert found.percentiles[90].error_percent == pytest.approx(100 * 14 / 46)


def test_correlation_is_unknown_for_two_points_and_for_constants():
    assert np.isnan(pearson(np.array([1.0, 2.0]), np.array([1.0, 2.0])))
    assert np.isnan(pearson(np.ones(9), np.arange(9.0)))
    assert pearson(np.arange(9.0), -np.arange(9.0)) == pytest.approx(-1)
    x, y = np.random.default_rng(1).random((2, 50))
    assert pearson(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert pearson(x + 1e12, y + 1e12) == pytest.approx(pearson(x, y), abs=1e-3)


def test_distance_of_distributions():
    assert ks_distance(np.array([1.0, 2.0]), np.array([3.0, 4.0])) == 1
    assert ks_distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 3.0, 9.0])) == 0.25
    assert ks_distance(np.array([1.0, 3.0]), np.array([2.0])) == 0.5


@pytest.mark.parametrize(
    ("n", "mape_percent", "r", "word"),
    [
        (20, 9.9, 0.96, "excellent"),
        (20, 10.0, 0.96, "good"),
        (20, 9.9, 0.95, "good"),
        (20, 19.9, 0.85, "fair"),
        (20, 34.9, 0.71, "fair"),
        (20, 35.0, 1.0, "poor"),
        (20, 1.0, 0.7, "poor"),
        (20, 1.0, np.nan, "excellent"),
        (20, 36.0, np.nan, "poor"),
        (19, 0.0, 1.0, INSUFFICIENT),
        (99, np.nan, 1.0, INSUFFICIENT),
    ],
)
def test_a_word_for_it(n, mape_percent, r, word):
    assert quality(n, mape_percent, r) == word
