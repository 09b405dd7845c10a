"""What differences between two policies on the same requests prove (default-problem.md section 3).

On drawn tables, one number a table: pairing takes out what the tables have in common. On a trace, which is one
sample, one number a resample of its time in blocks.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.errors import InputError
from blis.workload.draw.streams import stream

# scipy.stats is imported where it is used: it takes longer than most of what a search loads before its first candidate.

LEVEL = 0.95
N_BOOT = 9999
N_BLOCK_BOOT = 1000  # a fitness that is scored row by row takes a score over all rows for each

#: How a bootstrap interval was found: BCa is not defined where resamples are equal or all on one side.
BCA, PERCENTILE, POINT = "BCa", "percentile", "point"

#: Differences that lie closer together, in their own unit or relative to the largest, are equal but for rounding.
ROUNDING = 1e-12


class Interval(NamedTuple):
    """The ends of a bootstrap interval, and which one it is."""

    low: float
    high: float
    method: str


@dataclass(frozen=True)
class Comparison:
    """The mean difference over tables, its two-sided 95 % intervals, and the p value of "no difference"."""

    mean: float
    t_low: float  # paired t
    t_high: float
    bca_low: float  # bootstrap, bias-corrected and accelerated, or what took its place
    bca_high: float
    p_value: float  # of the t test
    n: int
    bootstrap: str = BCA  # BCA, PERCENTILE or POINT

    @property
    def bounds(self) -> tuple[float, float]:
        """The interval that a verdict rests on."""
        return self.t_low, self.t_high


@dataclass(frozen=True)
class BlockComparison:
    """The score on one stretch of a trace and its 95 % interval from a bootstrap over blocks of time.

    blocks: how many were drawn from; block_us: how long each is; bootstrap: BCA, PERCENTILE or POINT. Without an
    interval `flaw` says why.
    """

    mean: float
    bounds: tuple[float, float] | None = None
    blocks: int = 0
    block_us: int = 0
    bootstrap: str = BCA
    flaw: str = ""


AnyComparison = Comparison | BlockComparison


def paired_comparison(differences: ArrayLike, seed: int) -> Comparison:
    """All there is to say about differences, one a table. seed: of the bootstrap.

    Raises InputError for fewer than two of them, and if one is not finite.
    """
    values = _checked(differences)
    t_low, t_high = paired_t_interval(values)
    low, high, method = bca_interval(values, seed)
    return Comparison(float(values.mean()), t_low, t_high, low, high, t_p_value(values), len(values), method)


def paired_t_interval(differences: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Student's interval of the mean difference; a point if all differences are equal."""
    from scipy import stats

    values = _checked(differences)
    mean, error = float(values.mean()), _standard_error(values)
    reach = float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * error
    return mean - reach, mean + reach


def t_p_value(differences: ArrayLike) -> float:
    """Two-sided p value of the paired t test; of equal differences 1 if they are 0, else 0."""
    from scipy import stats

    values = _checked(differences)
    mean, error = float(values.mean()), _standard_error(values)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(mean) / error, len(values) - 1))


def bca_interval(differences: ArrayLike, seed: int, level: float = LEVEL, n_boot: int = N_BOOT) -> Interval:
    """The BCa bootstrap interval of the mean difference; the same seed gives the same interval.

    A point if all differences are equal.
    """
    values = _checked(differences)
    if _standard_error(values) == 0:
        return Interval(float(values.mean()), float(values.mean()), POINT)
    return _bootstrap(values, np.mean, seed, level, n_boot)


def block_interval(
    scores: Callable[[NDArray[np.int64]], NDArray[np.float64]],
    n_blocks: int,
    seed: int,
    level: float = LEVEL,
    n_boot: int = N_BLOCK_BOOT,
) -> Interval | None:
    """The BCa bootstrap interval of a score over blocks of time; the same seed draws the same blocks.

    scores: [draws, n_blocks] how often each block counts -> [draws] the score of each draw, not a number if there is
    nothing to score. None if no resample has a score.
    """

    def of_drawn(drawn: NDArray[np.int64], axis: int) -> NDArray[np.float64]:
        return scores(_times(drawn.reshape(-1, drawn.shape[axis]), n_blocks)).reshape(drawn.shape[:-1])

    found = _bootstrap(np.arange(n_blocks), of_drawn, seed, level, n_boot)
    return found if np.isfinite(found[:2]).all() else None


def _times(drawn: NDArray[np.int64], n_blocks: int) -> NDArray[np.int64]:
    """[draws, n_blocks] how often each block is among those of each draw, a row each."""
    places = drawn + n_blocks * np.arange(len(drawn))[:, None]
    return np.bincount(places.ravel(), minlength=len(drawn) * n_blocks).reshape(-1, n_blocks)


def _bootstrap(data: NDArray[Any], statistic: Callable[..., Any], seed: int, level: float, n_boot: int) -> Interval:
    """The BCa interval of a statistic of drawn data; where it is not defined, percentiles take its place."""
    from scipy import stats

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        for warning in (stats.DegenerateDataWarning, RuntimeWarning):
            warnings.simplefilter("ignore", warning)
        found = stats.bootstrap(
            (data,),
            statistic,
            confidence_level=level,
            n_resamples=n_boot,
            method="BCa",
            rng=stream(seed, "bootstrap"),
        )
        low, high = found.confidence_interval
        if np.isfinite(low) and np.isfinite(high):
            return _interval(low, high, BCA)
        low, high = np.nanquantile(found.bootstrap_distribution, ((1 - level) / 2, (1 + level) / 2))
        return _interval(low, high, PERCENTILE)


def _interval(low: float, high: float, method: str) -> Interval:
    """The interval, a point if its ends are equal but for rounding."""
    close = ROUNDING * max(1.0, abs(low))
    if high - low > close or not np.isfinite(low):
        return Interval(float(low), float(high), method)
    point = 0.0 if abs(low) <= close else float(low)
    return Interval(point, point, POINT)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values in the order given: below alpha = proved, whatever the number of comparisons."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = largest
    return adjusted


def _checked(differences: ArrayLike) -> NDArray[np.float64]:
    """The differences; those that are equal up to rounding all alike, and 0 if that is the same."""
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise InputError(f"an interval needs at least two tables, got {values.size}")
    if not np.isfinite(values).all():
        raise InputError("an interval needs finite differences")
    close = ROUNDING * max(1.0, float(np.abs(values).max()))
    if np.ptp(values) > close:
        return values
    return np.full_like(values, 0.0 if abs(values[0]) <= close else values[0])


def _standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean; exactly 0 if all values are equal, whatever the rounding of their mean."""
    if (values == values[0]).all():
        return 0.0
    return float(values.std(ddof=1)) / float(np.sqrt(len(values)))
