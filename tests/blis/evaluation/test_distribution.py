import numpy as np
import pytest

from blis.evaluation.distribution import Weighted, distribution, known, weighted_distribution


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100])
def test_a_weighted_percentile_is_that_of_the_list(n: int):
    rng = np.random.default_rng(n)
    values, weights = rng.integers(0, 50, n), rng.integers(0, 6, n) + (np.arange(n) == 0)
    whole = distribution(np.repeat(values, weights))
    assert weighted_distribution(Weighted.of(values, weights)) == whole
    expected = np.percentile(np.repeat(values, weights), (50, 90, 95, 99)) / 1000
    assert (whole.p50, whole.p90, whole.p95, whole.p99) == pytest.approx(tuple(expected))
    assert whole.min <= whole.p50 <= whole.p90 <= whole.p95 <= whole.p99 <= whole.max


def test_what_never_happened_does_not_count():
    found = known(np.array([-1, 3000, -1, 1000]))
    assert (found.count, found.mean, found.min, found.max) == (2, 2.0, 1.0, 3.0)


def test_nothing_is_null_and_names_say_the_unit():
    flat = distribution(np.array([], np.int64)).flat("ttft")
    assert flat.pop("ttft_count") == 0 and set(flat.values()) == {None}
    assert list(flat)[:2] == ["ttft_mean_ms", "ttft_p50_ms"]
