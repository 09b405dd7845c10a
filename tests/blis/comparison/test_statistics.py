import numpy as np
import pytest
from scipy import stats

from blis.comparison.statistics import (
    BCA,
    PERCENTILE,
    POINT,
    Comparison,
    bca_interval,
    block_interval,
    holm,
    paired_comparison,
    paired_t_interval,
    t_p_value,
)
from blis.errors import InputError

SAMPLE = [0.031, -0.012, 0.054, 0.022, 0.017, -0.004, 0.041, 0.029]


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_t_interval_is_the_textbooks(level: float):
    expected = stats.ttest_1samp(SAMPLE, 0).confidence_interval(level)
    assert paired_t_interval(SAMPLE, level) == pytest.approx((expected.low, expected.high))
    assert t_p_value(SAMPLE) == pytest.approx(stats.ttest_1samp(SAMPLE, 0).pvalue)


def test_a_loss_is_as_sure_as_the_same_gain():
    losses = [-value for value in SAMPLE]
    assert t_p_value(losses) == t_p_value(SAMPLE) < 0.05
    assert paired_t_interval(losses) == pytest.approx([-bound for bound in paired_t_interval(SAMPLE)][::-1])


def test_a_verdict_rests_on_the_t_interval():
    assert Comparison(0.1, -0.01, 0.21, 0.02, 0.2, 0.06, 8).bounds == (-0.01, 0.21)


def test_known_values():
    """1 ... 5: mean 3, standard error 0.7071, t(4) = 2.7764."""
    assert paired_t_interval([1, 2, 3, 4, 5]) == pytest.approx((1.03676, 4.96324), abs=1e-5)


def test_a_comparison_holds_all():
    found = paired_comparison(SAMPLE, seed=1)
    assert isinstance(found, Comparison)
    assert (found.n, found.mean) == (8, pytest.approx(np.mean(SAMPLE)))
    assert (found.t_low, found.t_high) == paired_t_interval(SAMPLE)
    assert (found.bca_low, found.bca_high, found.bootstrap) == bca_interval(SAMPLE, 1)
    assert found.bootstrap == BCA
    assert found.bca_low < found.mean < found.bca_high
    assert (found.p_value < 0.05) == (found.t_low > 0 or found.t_high < 0)


def test_the_bootstrap_depends_on_the_seed_alone():
    assert bca_interval(SAMPLE, 1) == bca_interval(SAMPLE, 1) != bca_interval(SAMPLE, 2)


def test_bca_follows_the_skew():
    sample = np.random.default_rng(0).lognormal(0, 1, 40)
    low, high, _ = bca_interval(sample, 1)
    assert high - sample.mean() > sample.mean() - low
    assert bca_interval(sample + 5, 1)[:2] == pytest.approx((low + 5, high + 5))
    means = np.random.default_rng(1).choice(sample, (9999, 40)).mean(axis=1)
    plain_low, plain_high = np.quantile(means, (0.025, 0.975))  # percentiles lag behind the skew
    assert low > plain_low + 0.01 and high > plain_high + 0.02


@pytest.mark.parametrize(("value", "p_value"), [(0.0, 1.0), (0.1, 0.0), (-0.3, 0.0)])
@pytest.mark.parametrize("n", [2, 3, 5, 10, 32])  # the mean of three times 0.1 is not exactly 0.1
def test_equal_differences_give_a_point(value: float, p_value: float, n: int):
    found = paired_comparison([value] * n, seed=1)
    assert found.t_low == found.t_high == found.bca_low == found.bca_high == found.mean == pytest.approx(value)
    assert found.p_value == p_value


@pytest.mark.parametrize(("value", "p_value"), [(0.0, 1.0), (1e-17, 1.0), (0.1, 0.0), (-7000.3, 0.0)])
def test_differences_that_are_equal_up_to_rounding_give_a_point(value: float, p_value: float):
    found = paired_comparison([*7 * [value], np.nextafter(value, 1)], seed=1)
    assert found.t_low == found.t_high == found.bca_low == found.bca_high == pytest.approx(value, rel=1e-12, abs=1e-12)
    assert (found.bootstrap, found.p_value) == (POINT, p_value)
    assert (found.t_low == 0) == (p_value == 1)


@pytest.mark.parametrize("values", [[], [0.1], [0.1, float("nan")], [0.1, float("inf")], [[0.1, 0.2]]])
def test_too_few_or_unusable(values: list):
    with pytest.raises(InputError, match="an interval needs"):
        paired_comparison(values, seed=1)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holm(p_values: list[float], adjusted: list[float]):
    assert holm(p_values) == pytest.approx(adjusted)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    samples = rng.normal(1, 2, (300, 12))
    t_hits = [low <= 1 <= high for low, high in map(paired_t_interval, samples)]
    bca_hits = [low <= 1 <= high for low, high, _ in (bca_interval(s, 1, n_boot=499) for s in samples)]
    assert 0.92 <= np.mean(t_hits) <= 0.98
    assert 0.86 <= np.mean(bca_hits) <= 0.98


class TestBlocks:
    """Intervals of a score over blocks of time; here the mean of a number a block."""

    values = np.random.default_rng(4).lognormal(0, 1, 40)

    def mean(self, times):
        return times @ self.values / times.sum(axis=1)

    def test_of_a_mean_it_is_the_bca_interval_of_the_mean(self):
        low, high, method = block_interval(self.mean, 40, seed=1, n_boot=4000)
        assert (low, high) == pytest.approx(bca_interval(self.values, 1)[:2], abs=0.05)
        assert method == BCA
        assert high - self.values.mean() > self.values.mean() - low

    def test_it_depends_on_the_seed_alone(self):
        first, again, other = (block_interval(self.mean, 40, seed, n_boot=200) for seed in (1, 1, 2))
        assert first == again != other

    def test_equal_resamples_give_a_point(self):
        assert block_interval(lambda times: np.full(len(times), 0.25), 12, seed=1, n_boot=50) == (0.25, 0.25, POINT)

    def test_resamples_without_anything_to_score_are_left_out(self):
        def score(times):
            return np.where(times[:, 0] > 0, times[:, 0], np.nan)

        assert block_interval(score, 3, seed=1, n_boot=200) == (1.0, 3.0, PERCENTILE)

    def test_without_any_resample_to_score_there_is_none(self):
        assert block_interval(lambda times: np.full(len(times), np.nan), 12, seed=1, n_boot=50) is None

    def test_resamples_that_differ_by_rounding_are_equal(self):
        assert block_interval(lambda times: 1e-17 * times[:, 0], 12, seed=1, n_boot=50) == (0.0, 0.0, POINT)
