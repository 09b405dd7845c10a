"""Two columns of times, recorded and simulated, of the same requests: how far they are apart, in figures and a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from blis.calibration.errors import Times, mape

#: Fewer requests than this are called "insufficient data", whatever their figures.
LEAST = 20
PERCENTILES = (50, 90, 95, 99)
INSUFFICIENT = "insufficient data"

_RATINGS = (("excellent", 10.0, 0.95), ("good", 20.0, 0.85), ("fair", 35.0, 0.70))  # MAPE below, r above


class Percentile(NamedTuple):
    """µs, and the error in percent of the recorded one."""

    recorded: float
    simulated: float
    error_percent: float


@dataclass(frozen=True)
class Comparison:
    """Figures of one measure over n requests; NaN where they cannot be had. Percentages leave out recorded zeros."""

    n: int
    mape_percent: float
    median_ape_percent: float
    bias_percent: float  # mean of (simulated - recorded) / recorded
    bias: str  # "over-predict", "under-predict" or "neutral", "" if unknown
    pearson_r: float  # NaN below 3 requests, or if either side does not vary
    percentiles: Mapping[int, Percentile]  # linear between order statistics
    ks_distance: float  # largest difference of the two distribution functions
    quality: str


def compare(recorded: Times, simulated: Times) -> Comparison:
    """Hold [n] simulated times against recorded ones, in any one unit; who is NaN on either side is left out."""
    known = np.isfinite(recorded) & np.isfinite(simulated)
    recorded, simulated = recorded[known], simulated[known]
    some = recorded > 0
    errors = 100 * (simulated[some] - recorded[some]) / recorded[some]
    error, r = mape(recorded, simulated), pearson(recorded, simulated)
    bias = float(errors.mean()) if len(errors) else np.nan
    return Comparison(
        n=len(recorded),
        mape_percent=error,
        median_ape_percent=float(np.median(np.abs(errors))) if len(errors) else np.nan,
        bias_percent=bias,
        bias=_direction(bias),
        pearson_r=r,
        percentiles={q: _percentile(recorded, simulated, q) for q in PERCENTILES},
        ks_distance=ks_distance(recorded, simulated),
        quality=quality(len(recorded), error, r),
    )


def pearson(x: Times, y: Times) -> float:
    """Correlation by centred sums; NaN for fewer than 3 points, or if either does not vary."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1, 1))


def ks_distance(x: Times, y: Times) -> float:
    """The largest difference between two empirical distribution functions; NaN for none."""
    if not len(x) or not len(y):
        return np.nan
    at = np.concatenate([x, y])
    shares = (np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (x, y))
    return float(np.abs(np.subtract(*shares)).max())


def quality(n: int, mape_percent: float, r: float) -> str:
    """A word for a MAPE and a correlation; on the MAPE alone where there is no correlation."""
    if n < LEAST or np.isnan(mape_percent):
        return INSUFFICIENT
    for word, error_below, r_above in _RATINGS:
        if mape_percent < error_below and (np.isnan(r) or r > r_above):
            return word
    return "poor"


def _direction(bias: float) -> str:
    if np.isnan(bias):
        return ""
    return "over-predict" if bias > 0 else "under-predict" if bias < 0 else "neutral"


def _percentile(recorded: Times, simulated: Times, q: int) -> Percentile:
    if not len(recorded):
        return Percentile(np.nan, np.nan, np.nan)
    low, high = float(np.percentile(recorded, q)), float(np.percentile(simulated, q))
    return Percentile(low, high, 100 * (high - low) / low if low > 0 else np.nan)
