"""The relative fitness over draws of blocks of time, all of them at once: what a bootstrap asks for.

A run is reduced to sums over the rows of each block, and its latencies and gaps to lists in descending order with the
block of each; a draw takes each block so many times. The scores are those of `compare_resampled`, but for the order in
which floats are added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.fitness.block_kernels import drawn_sums, drawn_worst
from blis.fitness.outcome import TAIL_SHARE, Floats, Outcome

Ints = NDArray[np.int64]


class Descending(NamedTuple):
    """Values of every class in descending order, one class behind the other."""

    begin: Ints  # [K + 1]
    values: Floats
    block: Ints  # of each value
    weights: Ints  # how often it occurs there
    sums: Floats  # [B, K] how many there are

    @classmethod
    def of(cls, values: Floats, key: Ints, weights: Ints, shape: tuple[int, int]) -> Descending:
        """From values in any order. key: class x B + block of each; shape: K, B."""
        classes, blocks = shape
        order = np.lexsort((-values, key // blocks))
        begin = np.searchsorted(key[order] // blocks, np.arange(classes + 1))
        sums = _sums_of(key, weights, shape).T
        return cls(begin, values[order].astype(np.float64), key[order] % blocks, weights[order], sums)


class PairByBlocks:
    """Two runs on the same requests: `x` is scored against `b`, for every draw of blocks."""

    def __init__(self, x: Outcome, b: Outcome, of_row: Ints) -> None:
        """of_row: [m] the block of each scored row, in the order of the table."""
        self.x, self.b, self.scoring = x, b, x.scoring
        self.shape = len(x.scoring.classes), int(of_row.max()) + 1
        self.key = x.scoring.group * self.shape[1] + of_row[x.scoring.rows - x.scoring.rows.min()]  # class x B + block
        self.common = x.completed & b.completed
        self.answered = x.answered & b.answered
        self.paced = x.paced & b.paced
        self.ttft_us = self._ttft(x), self._ttft(b)  # of what both runs answered
        self.gaps_us = self._gaps(x), self._gaps(b)  # capped, of what both answered with more than one token

    def _ttft(self, run: Outcome) -> Descending:
        key = self.key[self.answered]
        return Descending.of(run.ttft_us[self.answered], key, np.ones(len(key), np.int64), self.shape)

    def _gaps(self, run: Outcome) -> Descending:
        value_us, key, weights = run.gaps.by_key(self.key, self.paced)
        return Descending.of(
            np.minimum(value_us, self.scoring.itl_cap_us[key // self.shape[1]]), key, weights, self.shape
        )


class Draws:
    """n draws of blocks: sums and shares over their rows."""

    def __init__(self, pair: PairByBlocks, times: Ints) -> None:
        """times: [n, B] how often each draw has each block."""
        self.pair, self.times = pair, times

    @property
    def empty(self) -> NDArray[np.bool_]:
        """[n] whether a draw has no row at all."""
        return np.asarray(self.by_class(np.ones(len(self.pair.key))).sum(axis=1) == 0)

    def by_class(self, values: NDArray[Any]) -> Floats:
        """[n, K] sums of a number a row."""
        return self._drawn(_sums_of(self.pair.key, values, self.pair.shape).T)

    def by_tenant(self, chosen: NDArray[np.bool_]) -> Floats:
        """[n, T] how many of the chosen rows each tenant has."""
        blocks, tenants = self.pair.shape[1], len(self.pair.scoring.offered)
        place = self.pair.key % blocks * tenants + self.pair.scoring.tenant
        return self._drawn(_sums_of(place, chosen, (blocks, tenants)))

    def _drawn(self, sums: Floats) -> Floats:
        found = np.zeros((len(self.times), sums.shape[1]))
        drawn_sums(self.times, np.ascontiguousarray(sums), found)
        return found

    def mean_ratio(self, chosen: NDArray[np.bool_], x: Floats, b: Floats) -> Floats:
        """[n] the mean of b - x over the chosen rows of each class, weighted."""
        counts = self.by_class(chosen)
        return self._weighted(counts, self.by_class(np.where(chosen, b - x, 0.0)) / counts)

    def log_ratio(self, of: tuple[Descending, Descending], chosen: NDArray[np.bool_]) -> Floats:
        """[n] the log ratio of the mean of what is worst in each class, weighted; where neither run has any, none."""
        ours, theirs = map(self._worst, of)
        ratios = np.where((ours > 0) | (theirs > 0), np.log(theirs) - np.log(ours), 0.0)
        return self._weighted(self.by_class(chosen), ratios)

    def _worst(self, of: Descending) -> Floats:
        found = np.zeros((len(self.times), self.pair.shape[0]))
        drawn_worst(self.times, of.begin, of.values, of.block, of.weights, self._drawn(of.sums), TAIL_SHARE, found)
        return found

    def _weighted(self, counts: Floats, values: Floats) -> Floats:
        """[n] values of classes, by their weights: less of one with few rows, nothing of one with hardly any."""
        shares = np.array(self.pair.scoring.class_weights) * np.clip((counts - 10) / 10, 0.0, 1.0)
        return self._total(np.where(shares > 0, shares * values, 0.0))

    def goodput(self, run: Outcome) -> Floats:
        """[n] the weighted log of the requests of each class that met every target."""
        return self._total(np.array(run.scoring.class_weights) * np.log(self.by_class(run.good) + 0.5))

    def fairness(self, run: Outcome) -> Floats:
        """[n] the log of Jain's index over the tenants that are drawn."""
        offered = self.by_tenant(np.ones(len(self.pair.key), np.bool_))
        shares = np.where(offered > 0, (self.by_tenant(run.good) + 0.5) / (offered + 1), 0.0)
        whole, squares = self._total(shares), self._total(shares**2)
        return np.asarray(np.log(whole**2 / ((offered > 0).sum(axis=1) * squares)))

    def undone(self, run: Outcome) -> Floats:
        """[n] the share of the offered work that was not completed, weighted over classes."""
        work = run.scoring.work
        offered, lost = self.by_class(work), self.by_class(np.where(run.completed, 0.0, work))
        return self._total(np.where(offered > 0, np.array(run.scoring.class_weights) * lost / offered, 0.0))

    def harm(self, x: Outcome, b: Outcome) -> Floats:
        """[n] the share of requests of tenants that lose more than half of their good answers from b to x."""
        offered = self.by_tenant(np.ones(len(self.pair.key), np.bool_))
        lost = np.maximum(0.0, 1 - 2 * (self.by_tenant(x.good) + 0.5) / (self.by_tenant(b.good) + 0.5))
        return self._total(offered * lost) / self._total(offered)

    @staticmethod
    def _total(columns: Floats) -> Floats:
        """[n] the sum of the columns, one after the other."""
        found = np.zeros(len(columns))
        for column in columns.T:
            found += column
        return found


def _sums_of(place: Ints, values: NDArray[Any], shape: tuple[int, int]) -> Floats:
    """The sums of the values at each place of an array of that shape."""
    return np.asarray(np.bincount(place, values, shape[0] * shape[1]), np.float64).reshape(shape)


def _cost(draws: Draws) -> Floats:
    """[n] the log ratio of what was paid for instances while the drawn rows came."""
    ours, theirs = (
        np.maximum(draws.by_class(run.kept["cost"]).sum(axis=1), 1.0) for run in (draws.pair.x, draws.pair.b)
    )
    return np.asarray(np.log(theirs) - np.log(ours))


#: Every term of ours over draws; terms.py says what each is.
BY_BLOCKS: dict[str, Callable[[Draws], Floats]] = {
    "ttft": lambda draws: draws.mean_ratio(draws.pair.answered, draws.pair.x.log_ttft, draws.pair.b.log_ttft),
    "tail": lambda draws: draws.log_ratio(draws.pair.ttft_us, draws.pair.answered),
    "tpot": lambda draws: draws.mean_ratio(draws.pair.paced, draws.pair.x.log_tpot, draws.pair.b.log_tpot),
    "itl": lambda draws: draws.log_ratio(draws.pair.gaps_us, draws.pair.paced),
    "e2e": lambda draws: draws.mean_ratio(draws.pair.common, draws.pair.x.log_e2e, draws.pair.b.log_e2e),
    "goodput": lambda draws: draws.goodput(draws.pair.x) - draws.goodput(draws.pair.b),
    "fairness": lambda draws: draws.fairness(draws.pair.x) - draws.fairness(draws.pair.b),
    "cost": _cost,
}
