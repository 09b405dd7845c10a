import numpy as np
import pytest

from blis.evaluation.detectors.range_count import count_below


@pytest.mark.parametrize("seed", range(40))
def test_equals_counting(seed: int):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    values = rng.integers(-5, 6, n) if seed % 2 else rng.random(n).round(1)
    start, end = np.sort(rng.integers(0, n + 1, (2, 50)), axis=0)
    limit = rng.choice(np.concatenate([values, values - 0.05, values + 0.05, [-100, 100]]), 50)
    expected = [np.count_nonzero(values[a:b] < x) for a, b, x in zip(start, end, limit, strict=True)]
    np.testing.assert_array_equal(count_below(values, start, end, limit), expected)
