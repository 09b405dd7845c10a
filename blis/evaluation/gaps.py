"""All gaps between tokens of a run, none of them written out: values with weights, in compiled passes.

A member of the batch that decodes gets one token a step, so a request's gaps are the durations of the steps behind
that of its first token up to its last: whole rows of the step log, but for parts of two. Where it was preempted,
one long gap stands for the steps between. That is all in terms of positions, so that asking about other requests of
the same run, as a bootstrap does, costs no more than going through its requests and the rows of its log once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.distribution import US_PER_MS, Distribution, Weighted, summary
from blis.evaluation.gap_kernels import (
    AHEAD,
    count,
    locate,
    merge,
    percentiles,
    spread,
    tally,
    unroll,
    values_at,
    weigh,
    worst_means,
)
from blis.tables.records import COMPLETED
from blis.tables.results import ResultTable

Ints = NDArray[np.int64]

#: Parts that a range of values is cut into on the way to a threshold: in two goes down from what most caps are.
_PARTS = 2048


@dataclass(frozen=True)
class Gaps:
    """The gaps of some requests of a run. R rows of the step log, H long gaps of these requests, m requests, K groups.

    A position is a row of the log and how many of its steps are done then, at least one.
    """

    value_us: Ints  # [R + H] the gap of each row of the log, then the long ones; with what every token carries
    row_steps: Ints  # [R] steps of each row of the log
    group: Ints  # [m] 0 ... K - 1
    groups: int  # K
    spans: Ints  # [m, 4] position of the first token, position of the latest; row -1 without a token
    long: Ints  # [H, 5] request (0 ... m - 1, ascending), position of the token before, position of the token
    twice: Ints  # [m] 1 where the last gap counts twice (compat Q4), else 0

    @classmethod
    def of(
        cls, result: ResultTable, rows: NDArray[np.integer[Any]], group: NDArray[np.integer[Any]], groups: int
    ) -> Gaps:
        """The gaps of the requests `rows`, each in a group."""
        log, overhead_us = result.steps, result.token_overhead_us
        long, of_long = _long_gaps(result, rows)
        carried_us = overhead_us[result.instance[long["request"]]]
        value_us, row_steps = np.empty(len(log) + len(long), np.int64), np.empty(len(log), np.int64)
        before = np.empty(len(result.instances) + 1, np.int64)
        row_of = np.empty(int(log["count"].sum()) + AHEAD, np.int32)
        unroll(log, overhead_us, value_us, row_steps, before, row_of)
        value_us[len(log) :] = long["gap_us"] + carried_us
        steps = np.stack([result.first_step[rows], result.last_step[rows]], axis=1).astype(np.int64)
        away = np.stack([long["from_step"], long["to_step"]], axis=1)
        spans, holes = np.empty((len(rows), 4), np.int64), np.empty((len(long), 4), np.int64)
        locate(steps, _column(result.instance[rows]), log, before, row_of, spans)
        if len(long):
            locate(away, _column(result.instance[long["request"]]), log, before, row_of, holes)
        return cls(
            value_us=value_us,
            row_steps=row_steps,
            group=_column(group),
            groups=groups,
            spans=spans,
            long=np.concatenate([of_long[:, None], holes], axis=1),
            twice=_column((result.status[rows] == COMPLETED) & result.last_gap_twice),
        )

    @cached_property
    def order(self) -> Ints:
        """[R + H] places of the values in ascending order: sorted by 16 bits at a time, for which numpy has a radix."""
        order = np.arange(len(self.value_us))
        for shift in range(0, int(self.value_us.max(initial=0)).bit_length(), 16):
            digits = (self.value_us[order] >> shift).astype(np.uint16)
            order = order[np.argsort(digits, kind="stable")]
        return order

    def weights(self, times: NDArray[Any]) -> Ints:
        """[K, R + H] how often each value occurs in each group if request j counts times[j] times; times: [m]."""
        found = np.zeros((self.groups, len(self.value_us)), np.int64)
        joins = np.zeros((self.groups, len(self.row_steps) + 1), np.int64)
        weigh(self.spans, self.long, self.twice, self.group, _column(times), self.row_steps, joins, found)
        return found

    def distribution(self, weights: Ints) -> Distribution:
        """The gaps in ms, if each value occurs so often. weights: [R + H]."""

        def at(ranks: Ints) -> Ints:
            ascending, places = np.unique(ranks, return_inverse=True)
            found = np.empty(len(ascending), np.int64)
            values_at(self.value_us, self.order, weights, ascending, found)
            return found[places]

        n, whole, _ = tally(self.value_us, weights)
        return summary(n, whole, at, US_PER_MS)

    def counted(self, times: NDArray[Any]) -> Weighted:
        """All gaps in µs, every value once, if request j counts times[j] times."""
        weights = self.weights(times)
        several, often = np.empty(len(self.value_us), np.int64), np.empty(len(self.value_us), np.int64)
        n = merge(self.value_us, self.order, weights[0] if self.groups == 1 else weights.sum(axis=0), several, often)
        return Weighted(several[:n].copy(), often[:n].copy())

    def by_key(self, key: Ints, chosen: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints]:
        """The gaps of the chosen requests, each value once a key: values in µs, their keys, how often each occurs.

        key: [m] >= 0; chosen: [m].
        """
        rows = np.flatnonzero(chosen & (self.spans[:, 0] >= 0))
        order = rows[np.lexsort((self.spans[rows, 0], key[rows]))]
        first_long = np.searchsorted(self.long[:, 0], np.arange(len(self.spans) + 1)).astype(np.int64)
        about = order, key, self.spans, self.long, first_long, self.twice, self.row_steps
        room = np.zeros((3, len(self.row_steps) + 1), np.int64)
        size = spread(*about, room, np.empty((0, 3), np.int64))
        found = np.empty((size, 3), np.int64)
        spread(*about, room, found)
        return self.value_us[found[:, 0]], found[:, 1].copy(), found[:, 2].copy()

    def worst_means_us(self, times: Ints, cap_us: Ints, share: float) -> NDArray[np.float64]:
        """[K] the mean of the largest `share` of each group's gaps, each up to its group's cap; 0 without any gap.

        share * n of them, at least one, the last one in part. times: as for `weights`. cap_us: [K].
        """
        found = np.zeros(self.groups)
        worst_means(self.value_us, self.weights(times), cap_us, share, np.empty(_PARTS, np.int64), found)
        return found

    def percentiles_us(self, percent: float) -> NDArray[np.float64]:
        """[m] a high percentile of each request's own gaps, as of any list of numbers; 0 without any."""
        numbers = np.zeros(len(self.spans), np.int64)
        first_long = np.searchsorted(self.long[:, 0], np.arange(len(self.spans) + 1)).astype(np.int64)
        count(self.spans, self.long, first_long, self.twice, self.row_steps, numbers)
        largest = np.zeros(2 + int((1 - percent / 100) * numbers.max(initial=0)), np.int64)
        found = np.zeros(len(self.spans))
        percentiles(
            self.value_us,
            self.row_steps,
            self.spans,
            self.long,
            first_long,
            self.twice,
            numbers,
            percent,
            largest,
            found,
        )
        return found

    def longest_us(self) -> int:
        """The longest gap of all, 0 without any."""
        weights = self.weights(np.ones(len(self.spans), np.int64))
        return max(tally(self.value_us, each)[2] for each in weights)


def _long_gaps(result: ResultTable, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.void], Ints]:
    """The long gaps of the requests `rows`, one request after the other, and [H] the place in `rows` of each."""
    if not len(result.gaps):
        return result.gaps, np.zeros(0, np.int64)
    place = np.full(len(result), -1, np.int64)
    place[rows] = np.arange(len(rows))
    of_gap = place[result.gaps["request"]]
    order = np.argsort(of_gap, kind="stable")
    order = order[of_gap[order] >= 0]
    return result.gaps[order], of_gap[order]


def _column(values: NDArray[Any]) -> Ints:
    """The same numbers as kernels want them."""
    return np.ascontiguousarray(values, np.int64)
