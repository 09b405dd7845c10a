"""How often each gap between tokens occurs, counted bit by bit: exact, and no larger for more requests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.distribution import Distribution, Weighted, weighted_distribution

#: Gaps of less µs are counted in an array of their own; longer ones are few.
SHORT_US = 2**20


class GapCounts:
    """Whole numbers of µs, each with its number of times."""

    def __init__(self) -> None:
        """None so far."""
        self._short = np.zeros(SHORT_US, np.int64)
        self._long = Weighted(np.empty(0, np.int64), np.empty(0, np.int64))

    def add(self, values: NDArray[np.int64], times: NDArray[np.int64]) -> None:
        """Count values, in any order, so many times each; 0 times is none."""
        short = values < SHORT_US
        np.add.at(self._short, values[short], times[short])
        if not short.all():
            self._long = merged(Weighted.together([self._long, Weighted.of(values[~short], times[~short])]))

    @property
    def numbers(self) -> Weighted:
        """All of them."""
        values = np.flatnonzero(self._short)
        return Weighted.together([Weighted(values, self._short[values]), self._long])


def merged(numbers: Weighted) -> Weighted:
    """Every value once."""
    values, place = np.unique(numbers.values, return_inverse=True)
    weights = np.zeros(len(values), np.int64)
    np.add.at(weights, place, numbers.weights)
    return Weighted(values, weights)


def distribution_of(counts: Sequence[GapCounts]) -> Distribution:
    """All of them together, in ms."""
    return weighted_distribution(Weighted.together([each.numbers for each in counts]))
