"""Schedulers: the order of the wait queue (docs/policies.md section 5).

Each gives a key for every request, the smallest first; equal keys go by arrival. Called once a run, on whole
columns; in a closed loop at every arrival, compiled, on the numbers of one request. Two need more than a key and
are known to the engine by name: `fcfs` leaves the queue as requests entered it, `least-attained-service` looks at
what a tenant has been given so far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.policies.registry import Bounds, Registry

#: `columns` has priority (float64), input_tokens, output_tokens (int64), length_noise (standard normal), [n] each.
SCHEDULERS = Registry("scheduler", "columns", ("priority",))

FCFS = "fcfs"
LEAST_ATTAINED = "least-attained-service"

Column = NDArray[Any]


@SCHEDULERS.register(FCFS)
def fcfs(columns: Any) -> Column:
    """As they entered the queue; the preempted go to its front."""
    return 0.0 * columns.input_tokens


@SCHEDULERS.register("priority-fcfs", reads=("priority",))
def priority_fcfs(columns: Any) -> Column:
    """The most urgent first."""
    return -columns.priority


@SCHEDULERS.register("sjf")
def sjf(columns: Any) -> Column:
    """The shortest prompt first; long prompts can starve."""
    return columns.input_tokens


@SCHEDULERS.register("reverse-priority", reads=("priority",), pathological=True)
def reverse_priority(columns: Any) -> Column:
    """The least urgent first (for tests)."""
    return columns.priority


@SCHEDULERS.register("shortest-output", oracle=True)
def shortest_output(columns: Any) -> Column:
    """The fewest output tokens first: an upper bound for what a length predictor can bring."""
    return columns.output_tokens


@SCHEDULERS.register("shortest-predicted-output", oracle=True, noise=Bounds(0, 10, default=0.5, span=(0, 2)))
def shortest_predicted_output(noise: float, columns: Any) -> Column:
    """The same with a predictor that is wrong by a log-normal factor."""
    return columns.output_tokens * np.exp(noise * columns.length_noise)


@SCHEDULERS.register(LEAST_ATTAINED)
def least_attained_service(columns: Any) -> Column:
    """The tenant that this instance has computed the fewest tokens for."""
    return 0.0 * columns.input_tokens
