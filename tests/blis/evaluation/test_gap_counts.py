from __future__ import annotations

import numpy as np

from blis.evaluation.distribution import Weighted
from blis.evaluation.gap_counts import SHORT_US, GapCounts, distribution_of, merged


def test_what_is_counted_bit_by_bit_is_what_is_counted_at_once():
    random = np.random.default_rng(1)
    values, times = random.integers(0, 3 * SHORT_US, 500), random.integers(0, 4, 500)
    values[::3] %= 50
    counts = GapCounts()
    for part in np.array_split(np.arange(500), 7):
        counts.add(values[part], times[part])
    want = merged(Weighted.of(values, times))
    assert counts.numbers.values.tolist() == want.values.tolist()
    assert counts.numbers.weights.tolist() == want.weights.tolist()


def test_several_are_one_distribution():
    one, other = GapCounts(), GapCounts()
    one.add(np.array([1000, 3000]), np.array([1, 1]))
    other.add(np.array([2 * SHORT_US]), np.array([1]))
    found = distribution_of([one, other])
    assert (found.count, found.p50, found.max) == (3, 3.0, 2 * SHORT_US / 1000)
    assert distribution_of([GapCounts()]).count == 0
