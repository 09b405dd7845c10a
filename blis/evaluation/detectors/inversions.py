"""Priority inversions: who was served before a more urgent request that was waiting at the same place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.detectors.range_count import count_below
from blis.evaluation.grouping import rows_by_instance
from blis.evaluation.ratios import ratio
from blis.evaluation.slo import class_label
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

SLOWER = 2  # the original: an earlier request with more than so many times the E2E of a later one


@dataclass(frozen=True)
class Inversions:
    """pairs: (overtaker, overtaken). suffered: requests that are the second of at least one pair; of: that waited."""

    pairs: int
    suffered: int
    of: int

    @property
    def share(self) -> float:
        """Of the requests that waited, how many suffered; 0 if none waited."""
        return ratio(self.suffered, self.of)


def priority_inversions(result: ResultTable, priority: NDArray[np.float64]) -> Inversions:
    """Count pairs (a, b) on one instance with priority a < priority b and queued b <= scheduled a < scheduled b.

    So both were waiting when the less urgent a was taken into the batch, and b was not. queued: entered the wait
    queue; scheduled: start of the step that took it, never for one that still waits at the end; each the first
    time, so waiting again after a preemption is left out. Two requests taken in one step are no pair.
    """
    pairs = suffered = 0
    waited = result.queued_us >= 0
    if priority.min(initial=0.0) == priority.max(initial=0.0) == 0.0:
        return Inversions(0, 0, int(np.count_nonzero(waited)))
    for rows in rows_by_instance(result.instance, waited):
        urgent = priority[rows]
        if urgent.min() == urgent.max():
            continue
        never = np.iinfo(np.int64).max
        scheduled_us = np.where(result.scheduled_us[rows] >= 0, result.scheduled_us[rows], never)
        order = np.argsort(scheduled_us, kind="stable")
        first = np.searchsorted(scheduled_us, result.queued_us[rows], sorter=order)
        last = np.searchsorted(scheduled_us, scheduled_us, sorter=order)
        overtakers = count_below(urgent[order], first, last, urgent)
        pairs += int(overtakers.sum())
        suffered += int(np.count_nonzero(overtakers))
    return Inversions(pairs, suffered, int(np.count_nonzero(waited)))


def slower_than_later(table: RequestTable, result: ResultTable) -> Inversions:
    """What the original calls priority inversions: pairs (i, j) of one instance and class, both completed.

    i arrived before j, strictly, and has more than twice its E2E. Priorities play no part, and output lengths do
    (cluster-and-policies.md section 10). The slower request counts as the one that suffered.
    """
    pairs = suffered = 0
    done = result.e2e_us >= 0
    labels = [class_label(name) for name in table.slo_names]
    label = np.unique(labels, return_inverse=True)[1][table.slo_class]
    for code in range(len(set(labels))):
        for rows in rows_by_instance(result.instance, done & (label == code)):
            rows = rows[np.argsort(result.arrival_us[rows], kind="stable")]
            e2e_us, arrival_us = result.e2e_us[rows], result.arrival_us[rows]
            later = np.searchsorted(arrival_us, arrival_us, side="right")
            end = np.full(len(rows), len(rows))
            faster = count_below(SLOWER * e2e_us, later, end, e2e_us)
            pairs += int(faster.sum())
            suffered += int(np.count_nonzero(faster))
    return Inversions(pairs, suffered, int(np.count_nonzero(done)))
