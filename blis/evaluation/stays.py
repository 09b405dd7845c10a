"""Where requests wait until they are taken into a batch: on their instance, and before it on that of their prefill."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.tables.results import ResultTable

Ints = NDArray[np.int64]


class Stay(NamedTuple):
    """A wait of each request; -1 wherever it never happened.

    came_us: when it is sent there, but for the `ahead_us` that decisions take. taken_us: when it waits no more; of a
    prompt that another instance has computed that is when its KV is asked for.
    """

    instance: NDArray[np.int32]  # [n]
    came_us: Ints  # [n]
    ahead_us: int
    queued_us: Ints  # [n]
    taken_us: Ints  # [n]


def stays(result: ResultTable, ahead_us: int) -> tuple[Stay, ...]:
    """Where each request waits first and, where instances have roles, second. ahead_us: what decisions take."""
    moved = result.handovers
    if moved is None:
        return (Stay(result.instance, result.arrival_us, ahead_us, result.queued_us, result.scheduled_us),)
    elsewhere, handed = moved.instance >= 0, moved.completed_us >= 0
    first = Stay(
        np.where(elsewhere, moved.instance, result.instance),
        result.arrival_us,
        ahead_us,
        np.where(elsewhere, moved.queued_us, result.queued_us),
        np.where(elsewhere, moved.scheduled_us, result.scheduled_us),
    )
    second = Stay(
        np.where(handed, result.instance, -1),
        moved.completed_us,
        0,
        np.where(handed, result.queued_us, -1),
        np.where(handed, np.where(moved.asked_us >= 0, moved.asked_us, result.scheduled_us), -1),
    )
    return first, second


def longest_steps_us(result: ResultTable) -> Ints:
    """[instances + 1] the longest step of each; the last one is nobody's."""
    edges = np.searchsorted(result.steps["instance"], np.arange(len(result.instances) + 1))
    own_steps_us = np.split(result.steps["gap_us"], edges[1:-1])
    return np.array([own_us.max(initial=0) for own_us in own_steps_us] + [0])
