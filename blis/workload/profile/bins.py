"""Bins of many values each: what is kept of a column, so that no number stands for a single request."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 5  # requests that a bin stands for
MOST = 50  # bins of a column

Indices = NDArray[np.int64]


def parts(n: int, most: int, least: int = LEAST) -> int:
    """Into how many parts `n` requests may be cut, at least 1."""
    return max(1, min(most, n // least))


def cut(values: NDArray[np.generic], most: int) -> list[Indices]:
    """Places of the values in equal parts, the smallest values first; equal values are in the order they came."""
    return np.array_split(np.argsort(values, kind="stable"), parts(len(values), most))


def binned(values: NDArray[np.integer]) -> dict[str, float]:
    """Parameters of an `empirical` distribution: the mean of each bin and how many values are in it; >= 1 value."""
    found: dict[str, float] = {}
    for places in cut(values, MOST):
        name = str(round(float(values[places].mean())))
        found[name] = found.get(name, 0) + len(places)
    return found


def equal_part(values: NDArray[np.integer], count: int) -> Indices:
    """[n] number of the equal part, of `count`, that each value is in."""
    number = np.empty(len(values), np.int64)
    number[np.argsort(values, kind="stable")] = np.arange(len(values)) * count // max(len(values), 1)
    return number
