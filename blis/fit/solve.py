"""Prices that fit equations: not negative, little moved by outliers, none without need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from blis.fit.rows import Rows

#: Shares of a time below which an error counts squared; beyond, it counts as it is.
NOISE = 0.03
#: How much a price counts against itself, as a share of the noise: it only decides between equal fits.
RIDGE = 0.002
#: Times that weights and prices follow from each other.
_ROUNDS = 12
_OUTWEIGHS = 3.0  # the ridge takes a tenth of such a price
_NOTHING = 1e-12
_COUNTS = {"ttft": 2.0}
_QUIET, _LOUDEST = 1e-6, 1e8


def scales(rows: Rows) -> NDArray[np.float64]:
    """[terms] the price at which a term alone would explain everything."""
    mean = rows.columns.sum(axis=0) / max(len(rows.columns), 1)
    return np.where(mean > 0, 1 / np.where(mean > 0, mean, 1), 0.0)


def solve(rows: Rows) -> NDArray[np.float64]:
    """[terms] the best prices: squares, weighted anew until they say who is an outlier."""
    weight = np.ones(len(rows.values))
    for _ in range(_ROUNDS):
        prices = solve_weighted(rows, weight)
        weight = weights(rows, prices)
    return prices


def solve_weighted(rows: Rows, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """[terms] the best prices where it is settled how much each equation counts. weight: [rows]."""
    scale, root = scales(rows), np.sqrt(weight)
    ridge = _ridge(rows) * np.eye(len(scale))
    ridge[0, 0] = 0.0  # what every step costs is there in any case
    matrix = np.vstack([rows.columns * scale * root[:, None], ridge])
    shares, _ = nnls(matrix, np.concatenate([rows.values * root, np.zeros(len(scale))]))
    return np.asarray(shares * scale)


def least_spread(rows: Rows, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """[terms] µs, the standard deviation that the price of each has at the least, whatever the others are.

    Infinite where the equations do not tell it: none has the term, or only those that have others as much. weight:
    [rows].
    """
    scale = scales(rows)
    matrix = rows.columns * scale * np.sqrt(weight)[:, None]
    own = np.empty(len(scale))  # how much of each column is no sum of others
    for place, column in enumerate(matrix.T):
        others = np.delete(matrix, place, axis=1)
        own[place] = np.linalg.norm(column - others @ np.linalg.lstsq(others, column)[0])
    told = own > _OUTWEIGHS * _ridge(rows)
    return np.where(told, NOISE * scale / np.where(told, own, 1), np.inf)


def _ridge(rows: Rows) -> float:
    return float(np.sqrt(RIDGE * len(rows.values)) * NOISE)


def weights(rows: Rows, prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """[rows] how much each equation counts with these prices: measures with much noise less, and outliers less."""
    off = rows.columns @ prices - rows.values
    found = np.empty(len(off))
    for measure in np.flatnonzero(np.bincount(rows.measure)):
        own = rows.measure == measure
        noise = max(float(np.median(np.abs(off[own]))), _QUIET)
        found[own] = (NOISE / noise) ** 2 / np.sqrt(1 + (off[own] / (2 * noise)) ** 2)
    return np.minimum(found, _LOUDEST)


def loss(errors: Mapping[str, NDArray[np.float64]]) -> float:
    """What is made small. errors: of each measure, as shares; squared where they are small.

    The geometric mean over measures, so that one with much noise does not drown what the others have to say. E2E and
    TPOT say nearly the same, so that TTFT counts as much as both.
    """
    means = {name: np.mean(2 * (np.sqrt(1 + (off / NOISE) ** 2) - 1)) for name, off in errors.items() if len(off)}
    counts = [_COUNTS.get(name, 1.0) for name in means]
    return float(np.exp(np.average(np.log(np.array(list(means.values())) + _NOTHING), weights=counts)))
