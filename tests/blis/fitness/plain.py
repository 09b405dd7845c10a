"""The mean of what is worst once more, in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def worst_mean(values: NDArray[np.float64]) -> float:
    """The mean of the largest 5 % of at least one value: 0.05 n of them, at least one, the last one in part."""
    count = max(0.05 * len(values), 1.0)
    whole = int(count)
    largest = np.sort(values)[::-1][: whole + 1]
    part = (count - whole) * largest[whole] if count > whole else 0.0
    return float((largest[:whole].sum() + part) / count)
