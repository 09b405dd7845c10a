"""Clocks: what they show, when they show it, and what that does to arrivals."""

import math

import numpy as np
import pytest
from scipy import stats

from blis.errors import InputError
from blis.workload.draw.arrivals import WITHOUT_CV, Arrival, Source, merged_arrivals
from blis.workload.draw.rates import ActiveWindow, Diurnal, Lifecycle, RateOverTime, Spike, Stage, make_clock

HOUR_S = 3600.0
STAGES = RateOverTime(stages=(Stage(100, 0.5), Stage(50, 0), Stage(100, 2)))


def arrivals(clock, process="poisson", rate=50.0, n=None, horizon_s=10_000, seed=1):
    source = Source("x", Arrival(process, None if process in WITHOUT_CV else 2.0), rate, clock)
    return merged_arrivals([source], seed, n, round(horizon_s * 1e6))[0] / 1e6


def windows(*pairs):
    return Lifecycle(tuple(ActiveWindow(round(start * 1e6), round(end * 1e6)) for start, end in pairs))


def test_without_anything_the_clock_is_the_walls():
    assert make_clock(None, None) is None
    np.testing.assert_allclose(arrivals(make_clock(RateOverTime(), None), n=500), arrivals(None, n=500), atol=1e-6)


def test_stages_go_at_their_factor_and_end():
    clock = make_clock(STAGES, None)
    assert clock.stops
    assert [clock.passed_s(time) for time in (0, 60, 100, 130, 150, 200, 250, 9999)] == [
        0,
        30,
        50,
        50,
        50,
        150,
        250,
        250,
    ]
    found = clock.wall_s(np.array([0.0, 30, 49.5, 50.5, 249, 250, 251]))
    np.testing.assert_allclose(found, [0, 60, 99, 150.25, 249.5, math.inf, math.inf])


@pytest.mark.parametrize("process", ["poisson", "gamma", "constant"])
def test_arrivals_keep_the_rate_of_each_stage(process):
    times = arrivals(make_clock(STAGES, None), process, rate=400)
    counts = np.histogram(times, [0, 100, 150, 250, 10_000])[0]
    assert counts[1] == counts[3] == 0
    np.testing.assert_allclose(counts[[0, 2]], [20_000, 80_000], rtol=0.03)


def test_poisson_arrivals_stay_poisson_where_the_rate_is_constant():
    """Times of a Poisson process in a window are uniform: Kolmogorov-Smirnov at the level 0.001."""
    times = arrivals(make_clock(STAGES, None), rate=40)
    late = times[times >= 150]
    assert stats.kstest((late - 150) / 100, "uniform").pvalue > 0.001


def test_a_spike_comes_on_top():
    clock = make_clock(RateOverTime(stages=(Stage(100, 2),), spikes=(Spike(10, 5, 3), Spike(12, 1, 10))), None)
    assert clock.passed_s(10) == 20
    assert clock.passed_s(15) == pytest.approx(20 + 4 * 6 + 60)
    assert clock.passed_s(500) == pytest.approx(2 * 95 + 84)


def test_after_a_spike_it_goes_on_as_before_for_ever():
    clock = make_clock(RateOverTime(spikes=(Spike(10, 5, 3),)), None)
    assert not clock.stops
    assert clock.passed_s(1e7) == pytest.approx(1e7 + 10)
    np.testing.assert_allclose(clock.wall_s(np.array([10.0, 16, 1e7 + 10])), [10, 12, 1e7])


def test_a_day_has_a_mean_of_one_its_peaks_and_its_troughs():
    day = Diurnal((10.0, 20.0), 4.0)
    hours = np.array([10.0, 20.0, 15.0, 3.0, 27.0])
    np.testing.assert_allclose(day.factor(hours * HOUR_S), [1.6, 1.6, 0.4, 0.4, 0.4])
    clock = make_clock(RateOverTime(diurnal=day), None)
    for days in (1, 2, 7):
        assert clock.passed_s(days * 86400) == pytest.approx(days * 86400)
    assert not clock.stops


@pytest.mark.parametrize("period_s", [86400.0, 600.0])
def test_arrivals_of_many_days_follow_the_curve(period_s):
    clock = make_clock(RateOverTime(diurnal=Diurnal((12.0,), 3.0, period_s)), None)
    times = arrivals(clock, rate=240_000 / (5 * period_s), horizon_s=5 * period_s)
    by_hour = np.histogram(times / period_s * 24 % 24, 24, (0, 24))[0]
    np.testing.assert_allclose(by_hour[[11, 12, 0, 23]], np.array([1.5, 1.5, 0.5, 0.5]) * 10_000, rtol=0.06)


def test_what_a_clock_shows_and_when_are_inverse():
    rates = RateOverTime(diurnal=Diurnal((9.0, 18.0), 5.0, 1000.0), spikes=(Spike(2500, 700, 4),))
    clock = make_clock(rates, None)
    times = np.linspace(1, 9000, 57)
    shown = np.array([clock.passed_s(time) for time in times])
    np.testing.assert_allclose(clock.wall_s(shown), times, rtol=1e-9)


def test_a_client_sends_in_its_windows_at_its_full_rate():
    clock = make_clock(None, windows((10, 20), (15, 30), (50, 60)))
    times = arrivals(clock, rate=300)
    inside = ((times >= 10) & (times < 30)) | ((times >= 50) & (times < 60))
    assert inside.all()
    assert len(times) == pytest.approx(300 * 30, rel=0.05)
    assert np.count_nonzero(times >= 50) == pytest.approx(3000, rel=0.06)


def test_a_client_without_windows_or_past_them_ends_instead_of_looping():
    assert len(arrivals(make_clock(None, Lifecycle()), n=100)) == 0
    assert len(arrivals(make_clock(None, windows((1, 2))), rate=5, n=10**6)) < 20


def test_windows_and_stages_hold_together():
    clock = make_clock(STAGES, windows((0, 10), (200, 9999)))
    assert clock.passed_s(1e5) == pytest.approx(0.5 * 10 + 2 * 50)


def test_a_curve_of_too_many_days_is_refused():
    with pytest.raises(InputError, match=r"until 1e\+07 s, 10000 days of 1000 s: at most 1000"):
        make_clock(RateOverTime(stages=(Stage(1e7, 1),), diurnal=Diurnal((9.0,), 2.0, 1000.0)), None)


def test_stages_of_a_burstiness_of_their_own_are_parts_that_follow_one_another():
    rates = RateOverTime(stages=(Stage(100, 1.0), Stage(100, 2.0, cv_factor=3.0)))
    (one, first), (three, second) = rates.parts()
    assert (one, three) == (1.0, 3.0)
    clocks = [make_clock(part, None) for part in (first, second)]
    assert [clock.passed_s(100) for clock in clocks] == [100, 0]
    assert [clock.passed_s(999) for clock in clocks] == [100, 200]
    assert STAGES.parts() == [(1.0, STAGES)]


@pytest.mark.parametrize("factor", [0, -1, math.nan])
def test_a_factor_on_the_variation_is_above_0(factor):
    with pytest.raises(InputError, match="cv_factor"):
        Stage(1, 1, cv_factor=factor)
