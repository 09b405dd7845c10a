"""Ratios of counts that are 0, never infinite, where nothing was counted; how evenly something is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

US_PER_S = 1e6


def ratio(part: float, whole: float) -> float:
    """Part / whole, 0 if the whole is 0."""
    return part / whole if whole else 0.0


def per_s(count: float, duration_us: int) -> float:
    """A rate, 0 if the duration is 0."""
    return count / (duration_us / US_PER_S) if duration_us else 0.0


def jain_index(shares: NDArray[Any]) -> float:
    """(sum x)^2 / (n sum x^2): 1 if all have the same, 1/n if one has everything; 0 for none, 1 for all zero."""
    if len(shares) == 0:
        return 0.0
    squares = float(np.dot(shares, shares))
    return float(shares.sum()) ** 2 / (len(shares) * squares) if squares > 0 else 1.0
