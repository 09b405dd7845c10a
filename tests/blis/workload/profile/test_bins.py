"""Bins: of many values each, with their mean."""

import numpy as np
import pytest

from blis.workload.profile.bins import LEAST, MOST, binned, cut, equal_part


def test_no_bin_has_less_than_the_least_and_the_mean_stays():
    for n in (7, 23, 999, 5000):
        values = np.random.default_rng(n).integers(1, 10**6, n)
        bins = binned(values)
        assert min(bins.values()) >= LEAST and len(bins) <= MOST and sum(bins.values()) == n
        mean = sum(int(tokens) * weight for tokens, weight in bins.items()) / n
        assert mean == pytest.approx(values.mean(), abs=0.5)


def test_equal_means_are_one_bin():
    assert binned(np.full(100, 8)) == {"8": 100}


def test_parts_are_in_order_of_the_values():
    values = np.random.default_rng(1).permutation(60)
    pieces = cut(values, 6)
    assert [sorted(values[places].tolist()) for places in pieces] == [
        list(range(10 * k, 10 * k + 10)) for k in range(6)
    ]
    np.testing.assert_array_equal(equal_part(values, 6), values // 10)
