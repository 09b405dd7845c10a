"""How fast and how unevenly requests come, window by window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from blis.errors import InputError
from blis.workload.draw.arrivals import MAX_CV, MIN_CV, Arrival
from blis.workload.draw.rates import RateOverTime, Stage
from blis.workload.draw.streams import stream
from blis.workload.profile.bins import LEAST

_A_WINDOW = 100  # requests that a window should have on average
_MOST_WINDOWS = 24
_TRIED = 20_000  # gaps that are drawn to tell processes apart
_TOGETHER = 0.5  # of the requests come with another one, regularly: they were let in together
_AT_ONCE = 0.01  # of the average gap, which is none


class Arrivals(NamedTuple):
    """What a sender says of its arrivals."""

    rate: float  # requests per second, mean over all windows
    arrival: Arrival
    rates: RateOverTime


def fit_arrivals(times_us: NDArray[np.int64], among_us: NDArray[np.int64]) -> Arrivals:
    """From when requests came, or conversations started, in order.

    among_us: the same of all who send, whose time the windows part. Raises InputError if all came at the same time.
    """
    times_s, span_s = (times_us - among_us[0]) / 1e6, float(among_us[-1] - among_us[0]) / 1e6
    if len(times_s) < 2 or times_s[-1] == times_s[0]:
        raise InputError("all requests, or all conversations, arrive at the same time: they have no rate")
    count = max(1, min(_MOST_WINDOWS, len(times_s) // _A_WINDOW))
    width_s = round(span_s * len(among_us) / (len(among_us) - 1) / count, 3)
    window = np.minimum((times_s / width_s).astype(np.int64), count - 1)
    every_s = _every_s(times_s)
    windows = [times_s[window == k] for k in range(count)]
    cvs = np.array([_cv(inside, every_s) for inside in windows])
    sizes = np.array([len(inside) if len(inside) >= LEAST else 0 for inside in windows])
    known = ~np.isnan(cvs)
    cv = float(np.average(cvs[known], weights=sizes[known])) if known.any() else 1.0
    mean = len(times_s) / count
    stages = tuple(
        Stage(width_s, round(size / mean, 4), round(float(own / cv), 4) if own == own else None)
        for size, own in zip(sizes.tolist(), cvs.tolist(), strict=True)
    )
    process = "gamma" if every_s else _process(windows, cvs)
    return Arrivals(mean / width_s, Arrival(process, _allowed(cv), every_s=every_s), RateOverTime(stages))


def _every_s(times_s: NDArray[np.float64]) -> float | None:
    """Between the times at which requests are let in together, to the ms; None if they come one by one."""
    gaps = np.diff(times_s)
    between = gaps[gaps > _AT_ONCE * gaps.mean()]
    if len(between) < 2 or len(between) > (1 - _TOGETHER) * len(gaps):
        return None
    every_s = round(float(np.median(between)), 3)
    regular = np.abs(between - every_s) <= _AT_ONCE * every_s
    return every_s if every_s and regular.mean() >= 0.5 else None


def _cv(times_s: NDArray[np.float64], every_s: float | None) -> float:
    """The variation of the gaps of a window; of requests let in together, of the gaps that their numbers come from."""
    if len(times_s) < 10 or times_s[-1] == times_s[0]:
        return float("nan")
    if every_s is None:
        gaps = np.diff(times_s)
        return _allowed(float(gaps.std() / gaps.mean()))
    together = np.bincount(np.rint((times_s - times_s[0]) / every_s).astype(np.int64))
    return _allowed(float(np.sqrt(together.var() / together.mean())))


def _allowed(cv: float) -> float:
    return round(min(max(cv, MIN_CV), MAX_CV), 4)


def _process(windows: list[NDArray[np.float64]], cvs: NDArray[np.float64]) -> str:
    """Gamma or Weibull: whichever draws gaps of the same cv that look more like these."""
    known = [(inside, cv) for inside, cv in zip(windows, cvs.tolist(), strict=True) if cv == cv]
    gaps = np.concatenate([np.diff(inside) / np.diff(inside).mean() for inside, _ in known] or [np.ones(1)])
    apart = {}
    for process in ("gamma", "weibull"):
        random = stream(0, f"profile/{process}")
        drawn = [Arrival(process, cv).gaps(random, _TRIED * len(inside) // len(gaps) + 1) for inside, cv in known]
        apart[process] = ks_2samp(gaps, np.concatenate(drawn or [np.ones(1)])).statistic
    return min(apart, key=lambda process: apart[process])
