"""Arrivals: rate, burstiness and processes of known laws are found again."""

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.arrivals import WITHOUT_CV, Arrival, Source, merged_arrivals
from blis.workload.draw.rates import RateOverTime, Stage, make_clock
from blis.workload.profile.arrivals import fit_arrivals


def times(process="gamma", cv=1.0, rate=10.0, n=6000, every_s=None, rates=None):
    source = Source(
        "x", Arrival(process, None if process in WITHOUT_CV else cv, every_s=every_s), rate, make_clock(rates, None)
    )
    return merged_arrivals([source], 5, n, 10**12)[0]


@pytest.mark.parametrize(("process", "cv"), [("gamma", 2.5), ("weibull", 2.5), ("gamma", 0.3), ("gamma", 1.0)])
def test_rate_and_variation_are_found(process, cv):
    found = fit_arrivals(times(process, cv))
    assert found.rate == pytest.approx(10, rel=0.1)
    assert found.arrival.cv == pytest.approx(cv, rel=0.1)
    assert cv != 2.5 or found.arrival.process == process


def test_rates_are_found_window_by_window():
    rates = RateOverTime(stages=(Stage(300, 0.5), Stage(300, 1.5)))
    factors = np.array([stage.factor for stage in fit_arrivals(times(rates=rates, n=None)).rates.stages])
    half = len(factors) // 2
    assert factors[:half].mean() == pytest.approx(0.5, abs=0.06)
    assert factors[half:].mean() == pytest.approx(1.5, abs=0.06)
    assert factors.mean() == pytest.approx(1, abs=1e-3)


def test_variation_is_found_window_by_window():
    calm, wild = times("gamma", 0.2, n=3000), times("gamma", 3.0, n=3000)
    found = fit_arrivals(np.concatenate([calm, calm[-1] + wild]))
    cvs = [stage.cv_factor * found.arrival.cv for stage in found.rates.stages]
    assert np.mean(cvs[:10]) == pytest.approx(0.2, rel=0.15)
    assert np.mean(cvs[-10:]) == pytest.approx(3.0, rel=0.25)


def test_what_comes_in_batches_is_said_so():
    found = fit_arrivals(times("gamma", 2.0, every_s=3.0))
    assert found.arrival.every_s == 3.0
    assert found.arrival.cv == pytest.approx(2.0, rel=0.2)
    assert fit_arrivals(times()).arrival.every_s is None


def test_without_time_there_is_no_rate():
    for when in (np.zeros(5, np.int64), np.array([7])):
        with pytest.raises(InputError, match="at the same time: they have no rate"):
            fit_arrivals(when)
