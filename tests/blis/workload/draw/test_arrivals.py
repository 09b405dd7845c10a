from math import gamma

import numpy as np
import pytest
from scipy import stats

from blis.errors import InputError
from blis.workload.draw.arrivals import (
    ARRIVAL_PROCESSES,
    WITHOUT_CV,
    Arrival,
    Source,
    merged_arrivals,
    weibull_shape,
)

NO_HORIZON = 2**62


def times(process="poisson", cv=None, rate=100.0, n=20_000, seed=1):
    return merged_arrivals([Source("x", Arrival(process, cv), rate)], seed, n, NO_HORIZON)[0]


@pytest.mark.parametrize("process", sorted(ARRIVAL_PROCESSES))
@pytest.mark.parametrize("rate", [0.5, 64.0, 5000.0])
def test_the_mean_gap_is_one_over_the_rate(process, rate):
    gaps = np.diff(times(process, cv=None if process in WITHOUT_CV else 1.5, rate=rate), prepend=0)
    assert gaps.mean() == pytest.approx(1e6 / rate, rel=0.05)
    assert gaps.min() >= 1


@pytest.mark.parametrize("cv", [0.5, 1.0, 1.5, 2.0])
def test_gamma_gaps_have_their_coefficient_of_variation(cv):
    gaps = np.diff(times("gamma", cv))
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.08)


def test_gamma_is_burstier_than_poisson_as_recorded():
    """BC-3."""

    def variation(gaps):
        return gaps.std() / gaps.mean()

    assert variation(np.diff(times("gamma", 3.5))) > 2
    assert 0.8 < variation(np.diff(times("poisson"))) < 1.2


@pytest.mark.parametrize("cv", [0.3, 1.0, 1.7])
def test_gaps_follow_their_law(cv):
    """BC-3: Kolmogorov-Smirnov at the level 0.001, at a rate at which rounding to whole µs is nothing."""
    shape = weibull_shape(cv)
    laws = {
        "gamma": stats.gamma(1 / cv**2, scale=cv**2),
        "weibull": stats.weibull_min(shape, scale=1 / gamma(1 + 1 / shape)),
        "poisson": stats.expon(),
    }
    for process, law in laws.items():
        gaps = (
            np.diff(times(process, None if process in WITHOUT_CV else cv, rate=0.01, n=5000, seed=3), prepend=0)
            * 0.01
            / 1e6
        )
        assert stats.kstest(gaps, law.cdf).pvalue > 0.001, process


@pytest.mark.parametrize("cv", [0.001, 0.0117, 0.3, 1.0, 3.5, 10.0])
def test_a_weibull_shape_has_its_variation(cv):
    """The original's search ends at 0.0127; there cv is to three digits what was asked for."""
    law = stats.weibull_min(weibull_shape(cv))
    assert law.std() / law.mean() == pytest.approx(cv, rel=1e-3)
    assert weibull_shape(1.0) == pytest.approx(1)


def test_a_recording_repeats_its_gaps_at_the_rate_asked_for():
    source = Source("x", Arrival("recorded", times=(5.0, 6.0, 6.5, 9.0)), 2.0)
    found, _ = merged_arrivals([source], 1, 6, NO_HORIZON)
    np.testing.assert_allclose(np.diff(found, prepend=0), np.array([1, 0.5, 2.5] * 2) / 4 * 3 * 500_000, atol=1)


def test_constant_gaps_lose_nothing_to_rounding():
    np.testing.assert_array_equal(times("constant", rate=3, n=300), np.rint(np.arange(1, 301) * 1e6 / 3))


def test_gaps_stay_at_least_one_microsecond_at_the_highest_rate():
    assert np.diff(times("gamma", 3.0, rate=1e6), prepend=0).min() >= 1


def test_more_requests_are_a_continuation():
    np.testing.assert_array_equal(times(n=50), times(n=20_000)[:50])


def test_sources_keep_their_proportions_and_their_order():
    sources = [Source("a", Arrival("poisson"), 70), Source("b", Arrival("gamma", 2.0), 30)]
    arrival_us, index = merged_arrivals(sources, 3, 10_000, NO_HORIZON)
    assert np.all(np.diff(arrival_us) >= 0)
    assert np.mean(index == 0) == pytest.approx(0.7, abs=0.05)
    alone, _ = merged_arrivals(sources[:1], 3, 1000, NO_HORIZON)
    np.testing.assert_array_equal(arrival_us[index == 0][:1000], alone)


def test_sources_of_other_names_arrive_at_other_times():
    sources = [Source(name, Arrival("poisson"), 50) for name in "ab"]
    one, other = (merged_arrivals([source], 3, 100, NO_HORIZON)[0] for source in sources)
    assert not np.isin(one, other).any()
    assert not np.array_equal(merged_arrivals(sources[:1], 4, 100, NO_HORIZON)[0], one)


def test_a_rare_source_next_to_a_busy_one_is_complete():
    sources = [Source("busy", Arrival("poisson"), 1000), Source("rare", Arrival("gamma", 10.0), 0.5)]
    for seed in range(20):
        arrival_us, index = merged_arrivals(sources, seed, 3000, NO_HORIZON)
        full, _ = merged_arrivals(sources[1:], seed, 200, NO_HORIZON)
        np.testing.assert_array_equal(arrival_us[index == 1], full[full <= arrival_us[-1]])


def test_equal_times_are_in_the_order_of_the_sources():
    sources = [Source("a", Arrival("constant"), 10), Source("b", Arrival("constant"), 10)]
    assert merged_arrivals(sources, 0, 6, NO_HORIZON)[1].tolist() == [0, 1, 0, 1, 0, 1]


def test_the_horizon_is_left_out():
    source = [Source("a", Arrival("constant"), 10)]
    assert merged_arrivals(source, 0, None, 300_000)[0].tolist() == [100_000, 200_000]
    assert merged_arrivals(source, 0, 50, 300_001)[0].tolist() == [100_000, 200_000, 300_000]
    assert merged_arrivals(source, 0, 1, 300_001)[0].tolist() == [100_000]
    bursty = [Source("a", Arrival("gamma", 5.0), 1000)]
    everything, _ = merged_arrivals(bursty, 0, None, 20_000_000)
    np.testing.assert_array_equal(everything, merged_arrivals(bursty, 0, len(everything), NO_HORIZON)[0])


@pytest.mark.parametrize("rate", [1e-13, 1e-320, 0.0])
def test_a_rate_too_small_for_time_is_refused(rate):
    with pytest.raises(InputError, match="beyond"):
        merged_arrivals(
            [Source("a", Arrival("constant"), rate), Source("b", Arrival("constant"), 1)], 0, 10, NO_HORIZON
        )


def test_more_requests_than_memory_holds_are_refused():
    with pytest.raises(InputError, match="at most"):
        merged_arrivals([Source("a", Arrival("constant"), 1e6)], 0, None, NO_HORIZON)


@pytest.mark.parametrize("cv", [0.0, -1.0, float("nan"), float("inf"), 10.5, 1e-200])
def test_a_bad_cv_is_refused_for_every_process(cv):
    for process in ARRIVAL_PROCESSES:
        with pytest.raises(InputError, match="cv must be"):
            Arrival(process, cv)


def test_an_unknown_process_shows_the_nearest():
    with pytest.raises(InputError, match="did you mean 'gamma'"):
        Arrival("gama")


def test_requests_may_be_let_in_together():
    source = Source("x", Arrival("poisson", every_s=3.0), 10.0)
    found = merged_arrivals([source], 1, 5000, NO_HORIZON)[0]
    batch, inside = np.divmod(found, 3_000_000)
    assert inside.max() < 100  # a microsecond apart
    sizes = np.bincount(batch)[1:-1]
    assert sizes.mean() == pytest.approx(30, rel=0.03)
    assert sizes.var() / sizes.mean() == pytest.approx(1, abs=0.25)
    with pytest.raises(InputError, match="every_s"):
        Arrival("poisson", every_s=0.0)


def test_a_lead_meets_a_process_in_the_middle_of_its_gaps():
    def count(lead):
        sources = [Source(f"x{i}", Arrival("gamma", 5.0), 10.0, lead=lead) for i in range(200)]
        return len(merged_arrivals(sources, 3, None, 10_000_000)[0]) / 200

    assert count(0) == pytest.approx(100 + (25 - 1) / 2, abs=8)  # renewal theory: as if somebody had just come
    assert count(1000) == pytest.approx(100, abs=8)
