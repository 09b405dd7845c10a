"""Intervals from one table, which is one sample: its time is cut into blocks, and blocks are drawn again.

All policies of a comparison meet the same blocks in every resample, so what they have in common cancels. Source:
default-problem.md section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.comparison.statistics import Interval, block_interval

BLOCK_PER_E2E = 5  # a block lasts at least so many times the 99th percentile of E2E
MIN_BLOCKS = 10  # fewer are too few for an interval
MAX_BLOCKS = 200  # more and shorter ones cost time and change little

#: [draws, blocks] how often each block counts -> [draws] a score of each draw, not a number if there is none.
Scores = Callable[[NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Blocks:
    """of_row: [rows] the block that each row arrives in, from 0 at the first one; a block may hold no rows."""

    of_row: NDArray[np.int64]
    length_us: int

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.of_row.max()) + 1

    def interval(self, scores: Scores, seed: int) -> Interval | None:
        """The 95 % interval of a score, if it has one."""
        return block_interval(scores, self.count, seed)

    def by_row(self, score: Callable[[NDArray[np.int64]], float | None]) -> Scores:
        """Draws of blocks scored one by one. score: [rows] how often each row counts, not all 0 -> it."""

        def scores(times: NDArray[np.int64]) -> NDArray[np.float64]:
            by_row = (drawn[self.of_row] for drawn in times)
            return np.array([score(rows) if rows.any() else np.nan for rows in by_row], np.float64)

        return scores


def time_blocks(arrival_us: NDArray[np.int64], e2e_p99_us: float) -> Blocks | None:
    """Equal blocks of the time over which rows arrive; None if that is too short for an interval.

    e2e_p99_us: of the slowest policy that is compared, a warm-up included. There are as many blocks as are at least
    BLOCK_PER_E2E times as long. What is left over at the end belongs to the last one.
    """
    span_us = _span_us(arrival_us)
    count = min(span_us, int(span_us / (BLOCK_PER_E2E * max(e2e_p99_us, 1.0))), MAX_BLOCKS)
    if count < MIN_BLOCKS:
        return None
    length_us = span_us // count
    since_us = arrival_us - arrival_us.min()
    return Blocks(np.minimum(since_us // length_us, span_us // length_us - 1), length_us)


def too_short(arrival_us: NDArray[np.int64], e2e_p99_us: float) -> str:
    """Why there are no blocks, in words."""
    span_s, needed_s = _span_us(arrival_us) / 1e6, MIN_BLOCKS * BLOCK_PER_E2E * e2e_p99_us / 1e6
    needed = f"{MIN_BLOCKS} blocks of {BLOCK_PER_E2E} × E2E p99 take {needed_s:.0f} s"
    return f"too short for an interval: {span_s:.0f} s, and {needed}"


def _span_us(arrival_us: NDArray[np.int64]) -> int:
    """From the first arrival to the end of the last one's microsecond."""
    return int(arrival_us.max() - arrival_us.min()) + 1 if len(arrival_us) else 0
