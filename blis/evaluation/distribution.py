"""A distribution in eight numbers: count, mean, percentiles, range (engine.md section 12.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

US_PER_MS = 1000.0

#: Those of a distribution.
PERCENTS = (50, 90, 95, 99)


@dataclass(frozen=True)
class Weighted:
    """A multiset of numbers: `values` ascending, `weights` how often each occurs (>= 1)."""

    values: NDArray[Any]
    weights: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[Any], weights: NDArray[np.int64]) -> Weighted:
        """From values in any order; those of weight 0 are left out."""
        values, weights = values[weights > 0], weights[weights > 0]
        order = np.argsort(values, kind="stable")
        return cls(values[order], weights[order])

    @classmethod
    def once(cls, values: NDArray[Any]) -> Weighted:
        """Numbers in any order, each as often as it stands there."""
        return cls(np.sort(values), np.ones(len(values), np.int64))

    @classmethod
    def together(cls, several: Sequence[Weighted]) -> Weighted:
        """The numbers of all of them."""
        values, weights = ([getattr(one, name) for one in several] for name in ("values", "weights"))
        return cls.of(np.concatenate(values), np.concatenate(weights))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Of each value, the share of the numbers that are not above it."""
        upto = np.cumsum(self.weights)
        return np.asarray(upto / max(int(upto[-1]) if len(upto) else 0, 1), np.float64)


@dataclass(frozen=True)
class Distribution:
    """Summary of `count` numbers; all 0 if there are none."""

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    min: float
    max: float

    def flat(self, name: str) -> dict[str, float | None]:
        """For JSON, of times in ms: `ttft_count`, `ttft_mean_ms`, `ttft_p50_ms` and so on; None if there are none."""
        keys = ("mean", "p50", "p90", "p95", "p99", "min", "max")
        values = {f"{name}_{key}_ms": getattr(self, key) if self.count else None for key in keys}
        return {f"{name}_count": self.count, **values}


def distribution(values: NDArray[Any], unit: float = US_PER_MS) -> Distribution:
    """Mean, percentiles and range of numbers in µs, divided by `unit` (ms by default)."""
    if values.dtype.kind == "f":
        values = np.sort(values)  # their sum depends on the order, that of whole numbers does not
    whole = values.sum(dtype=np.float64)
    return summary(len(values), whole, lambda ranks: np.partition(values, ranks)[ranks], unit)


def known(values: NDArray[np.int64], unit: float = US_PER_MS) -> Distribution:
    """The same of the rows in which the event happened, that is of values that are not negative."""
    return distribution(values[values >= 0], unit)


def weighted_distribution(numbers: Weighted, unit: float = US_PER_MS) -> Distribution:
    """The same of a multiset: exactly that of the list in which each value stands as often as its weight says.

    Weights may be 0 here.
    """
    last_rank = np.cumsum(numbers.weights) - 1  # of the last copy of each in the expanded list
    whole = (numbers.values * numbers.weights.astype(np.float64)).sum()  # np.dot would wait for its threads

    def at(ranks: NDArray[np.int64]) -> NDArray[Any]:
        return numbers.values[np.searchsorted(last_rank, ranks)]  # the first that is enough has a weight

    return summary(int(last_rank[-1]) + 1 if len(last_rank) else 0, whole, at, unit)


def summary(n: int, whole: float, at: Callable[[NDArray[np.int64]], NDArray[Any]], unit: float) -> Distribution:
    """Of n numbers with that sum. at: of ascending x[0 … n-1] those at some ranks.

    Percentile p: linear between the neighbours of rank p/100 (n - 1).
    """
    if n == 0:
        return Distribution(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    ranks = [percent / 100 * (n - 1) for percent in PERCENTS]
    neighbours = [side(rank) for rank in ranks for side in (math.floor, math.ceil)]
    least, *between, most = map(float, at(np.array([0, *neighbours, n - 1])))
    pairs = zip(ranks, between[::2], between[1::2], strict=True)
    p50, p90, p95, p99 = (low / unit + ((high - low) * (rank - math.floor(rank))) / unit for rank, low, high in pairs)
    return Distribution(n, float(whole) / n / unit, p50, p90, p95, p99, least / unit, most / unit)
