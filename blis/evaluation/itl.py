"""Gaps between tokens, read from the step log: one request's list, or the distribution over many requests.

A member of the batch that decodes gets one token a step, so its gaps are the durations of the steps in
(first_step, last_step] of its instance. Where it was preempted, one LONG_GAP row stands for the steps in
(from_step, to_step]. Every gap carries its instance's `token_overhead_us`; with `last_gap_twice` the last step of a
completed request counts once more (engine.md 12.2).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.distribution import Distribution
from blis.evaluation.gaps import Gaps
from blis.tables.records import COMPLETED
from blis.tables.results import ResultTable


class BetweenTokens(NamedTuple):
    """The gaps between tokens of a run."""

    itl: list[Distribution]  # [1 + K] in ms, of all completed requests and of those of each group
    longest_us: int  # of all requests, those that have not completed included


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


def all_gaps(result: ResultTable, group: NDArray[np.integer[Any]] | None = None, groups: int = 1) -> Gaps:
    """The gaps of all requests of a run, in `groups` groups. group: [n]."""
    rows = np.arange(len(result))
    return Gaps.of(result, rows, np.zeros_like(rows) if group is None else group, groups)


def itl(result: ResultTable, among: NDArray[np.bool_] | None = None) -> Distribution:
    """The gaps of all completed requests, in ms: the lists of `expand_gaps` thrown together.

    among: [n] only of these requests.
    """
    chosen = result.status == COMPLETED
    return itl_by_group(all_gaps(result), chosen if among is None else chosen & among)[0]


def itl_by_group(gaps: Gaps, times: NDArray[Any]) -> list[Distribution]:
    """[1 + K] the gaps in ms, of all requests and of each group, if request j counts times[j] times. times: [m]."""
    weights = gaps.weights(times)
    groups = [gaps.distribution(each) for each in weights]
    return [groups[0] if len(groups) == 1 else gaps.distribution(weights.sum(axis=0)), *groups]


def between_tokens(result: ResultTable, group: NDArray[np.integer[Any]], groups: int) -> BetweenTokens:
    """The gaps of a run. group: [n]."""
    gaps = all_gaps(result, group, groups)
    return BetweenTokens(itl_by_group(gaps, result.status == COMPLETED), gaps.longest_us())
