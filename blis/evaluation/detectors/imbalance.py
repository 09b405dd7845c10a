"""Load imbalance: instances with far longer queues than the others, and how uneven the work is.

The original calls it head-of-line blocking (cluster-and-policies.md section 10).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.ratios import ratio
from blis.tables.results import ResultTable

FACTOR = 2.0  # a queue counts as long from so many times the mean of the others on …
MIN_WAITING = 1.0  # … if so many requests wait in it on average


@dataclass(frozen=True)
class Imbalance:
    """How many instances have a long queue, and how unevenly time at work is spread."""

    instances: int
    busiest_over_mean: float  # of the times that instances were busy; 1 = all the same


def imbalance(result: ResultTable, waiting: NDArray[np.float64] | None = None) -> Imbalance:
    """An instance's queue is long if its mean is over FACTOR x the mean of the others', and at least MIN_WAITING.

    waiting: [I] mean queue lengths over time, where the run was sampled; else means over each instance's steps,
    in which an instance that idles counts little. A single instance is never out of balance.
    """
    busy_us = result.instances["busy_us"]
    busiest = ratio(int(busy_us.max()), float(busy_us.mean()))
    queue = mean_waiting(result) if waiting is None else waiting
    if len(queue) < 2:
        return Imbalance(0, busiest)
    others = (queue.sum() - queue) / (len(queue) - 1)
    return Imbalance(int(np.count_nonzero((queue > FACTOR * others) & (queue >= MIN_WAITING))), busiest)


def hol_blocking(result: ResultTable) -> int:
    """The original's count: instances over twice the mean of all, itself included, so never one of two."""
    queue = mean_waiting(result)
    return int(np.count_nonzero(queue > FACTOR * queue.mean())) if len(queue) > 1 else 0


def mean_waiting(result: ResultTable) -> NDArray[np.float64]:
    """[I] queue length after batch formation, mean over an instance's steps; 0 without a step."""
    counters = result.instances
    return counters["queue_sum"] / np.maximum(counters["steps"], 1)


def waiting_over_time(result: ResultTable) -> NDArray[np.float64] | None:
    """[I] mean queue length over time, of a run that was sampled; samples are equally far apart."""
    if result.samples is None or not len(result.samples):
        return None
    return np.asarray(result.samples["queue_depth"].mean(axis=0))
