"""Gaps between tokens, read from the step log: one request's list, or the distribution over many requests.

A member of the batch that decodes gets one token a step, so its gaps are the durations of the steps in
(first_step, last_step] of its instance. Where it was preempted, one LONG_GAP row stands for the steps in
(from_step, to_step]. Every gap carries its instance's `token_overhead_us`; with `last_gap_twice` the last step of a
completed request counts once more (engine.md 12.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.tables.records import COMPLETED
from blis.tables.results import ResultTable

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Weighted:
    """A multiset of numbers: `values` ascending, `weights` how often each occurs (>= 1)."""

    values: Ints
    weights: Ints

    @classmethod
    def of(cls, values: Ints, weights: Ints) -> Weighted:
        """From values in any order; those of weight 0 are left out."""
        values, weights = values[weights > 0], weights[weights > 0]
        order = np.argsort(values, kind="stable")
        return cls(values[order], weights[order])


@dataclass(frozen=True)
class StepIndex:
    """Numbers the steps of all instances through, from 1: step s of instance i has the number before[i] + s.

    before: [instances] steps of the instances before. rows: [log rows] number of each row's first step.
    total: steps in all.
    """

    before: Ints
    rows: Ints
    total: int

    @classmethod
    def of(cls, result: ResultTable) -> StepIndex:
        """The index of a result's step log."""
        steps = result.instances["steps"]
        before = np.cumsum(steps) - steps
        return cls(before, before[result.steps["instance"]] + result.steps["first_step"], int(steps.sum()))

    def number(self, instance: NDArray[np.int32], step: NDArray[np.integer[Any]]) -> Ints:
        """The numbers of steps."""
        return self.before[instance] + step


def expand_gaps(result: ResultTable, row: int) -> list[int]:
    """The gaps of one request in µs, in order; of an unfinished one those so far.

    Their sum is E2E - TTFT for a completed request.
    """
    first, last = int(result.first_step[row]), int(result.last_step[row])
    if first < 0:
        return []
    log = result.steps[result.steps["instance"] == result.instance[row]]
    durations = np.repeat(log["gap_us"], log["count"])  # [s - 1] of step s
    gaps = []
    done = first
    for long_gap in result.gaps[result.gaps["request"] == row]:
        gaps += durations[done : long_gap["from_step"]].tolist()
        gaps.append(int(long_gap["gap_us"]))
        done = long_gap["to_step"]
    gaps += durations[done:last].tolist()
    if result.last_gap_twice and result.status[row] == COMPLETED:
        gaps.append(int(durations[last - 1]))
    overhead_us = int(result.token_overhead_us[result.instance[row]])
    return [gap + overhead_us for gap in gaps]


def gap_distribution(result: ResultTable, among: NDArray[np.bool_] | None = None) -> Weighted:
    """The gaps of all completed requests, in µs: the lists of `expand_gaps` thrown together.

    among: [n] only of these requests.
    """
    chosen = result.status == COMPLETED
    if among is not None:
        chosen &= among
    long_gaps = result.gaps[chosen[result.gaps["request"]]]
    index = StepIndex.of(result)
    overhead_us = result.token_overhead_us
    values = [
        result.steps["gap_us"] + overhead_us[result.steps["instance"]],
        long_gaps["gap_us"] + overhead_us[result.instance[long_gaps["request"]]],
    ]
    weights = [_tokens_a_log_row(result, index, np.flatnonzero(chosen), long_gaps), np.ones(len(long_gaps), np.int64)]
    if result.last_gap_twice:
        last = index.number(result.instance[chosen], result.last_step[chosen])
        values.append(values[0][np.searchsorted(index.rows, last, side="right") - 1])
        weights.append(np.ones(len(last), np.int64))
    return Weighted.of(np.concatenate(values), np.concatenate(weights))


def _tokens_a_log_row(result: ResultTable, index: StepIndex, rows: Ints, long_gaps: NDArray[np.void]) -> Ints:
    """[log rows] how many tokens the requests `rows` got in the steps of each log row, long gaps not counted."""
    away = result.instance[long_gaps["request"]]
    enters = np.concatenate(
        [
            index.number(result.instance[rows], result.first_step[rows]),
            index.number(away, long_gaps["to_step"]),
        ]
    )
    leaves = np.concatenate(
        [
            index.number(result.instance[rows], result.last_step[rows]),
            index.number(away, long_gaps["from_step"]),
        ]
    )
    # Entering after step p and leaving after step q makes a member of p + 1 ... q.
    change = np.bincount(enters, minlength=index.total + 1) - np.bincount(leaves, minlength=index.total + 1)
    members = np.cumsum(change) - change  # [number] who get a token in this step
    upto = np.concatenate([[0], np.cumsum(members)])  # [number] tokens before this step
    return upto[index.rows + result.steps["count"]] - upto[index.rows]
