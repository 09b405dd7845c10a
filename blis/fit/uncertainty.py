"""How sure prices are: the equations of the last run, resampled in blocks, priced anew.

Requests near each other share their steps, and so their errors; a block keeps them together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.fit.rows import Rows
from blis.fit.solve import least_spread, solve_weighted, weights

BLOCKS = 20
RESAMPLES = 400
CONFIDENCE = 0.95
#: A price is never surer than this, as a share of it: steps are whole µs, and the last digits are the optimiser's.
_SUREST = 0.005
#: The steps of a run are not quite those that were run; on simulated logs with noise intervals had to be so much wider.
_STEPS_UNSURE = 1.4


class Uncertainty(NamedTuple):
    """Prices that could as well have come out."""

    intervals: NDArray[np.float64]  # [terms, 2] µs, all of them right at once in CONFIDENCE of all logs; to
    # infinity where the equations do not tell
    draws: NDArray[np.float64]  # [RESAMPLES, terms] µs


def uncertainty(rows: Rows, values: NDArray[np.float64], rng: np.random.Generator) -> Uncertainty:
    """Of prices, [terms] µs, that solve equations."""
    weight = weights(rows, values)
    centre = solve_weighted(rows, weight)
    block = _blocks(rows)
    count = int(block.max()) + 1
    found = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(count, size=count), minlength=count)
        found.append(solve_weighted(rows, weight * times[block]))
    # Few blocks vary less among themselves than logs do.
    off = (np.array(found) - centre) * np.sqrt(count / max(count - 1, 1))
    spread = np.maximum(off.std(axis=0), _SUREST * values / 2)
    widest = np.quantile(np.max(np.abs(off) / np.where(spread > 0, spread, np.inf), axis=1), CONFIDENCE)
    spread = np.maximum(spread, least_spread(rows, weight))  # a price that is 0 in all draws is not that sure
    reach = _STEPS_UNSURE * max(float(widest), 2.0) * spread + np.abs(values - centre)
    intervals = np.column_stack([np.maximum(values - reach, 0), values + reach])
    return Uncertainty(intervals, np.array(found))


def _blocks(rows: Rows) -> NDArray[np.int64]:
    """[rows] which block the request of each is in: as many requests in each, in their order."""
    requests, place = np.unique(rows.request, return_inverse=True)
    return np.asarray(place * min(BLOCKS, len(requests)) // len(requests))
