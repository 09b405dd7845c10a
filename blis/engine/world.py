"""`World`: all arrays of a run under one name, so that kernels take `w` instead of twenty arguments.

Cheap only because kernels count no references (jit.py). Letters in shapes as in records.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


class World(NamedTuple):
    """The state of a run. Outside kernels `cluster` and `config` are arrays of one record (see run.run)."""

    cluster: Array  # CLUSTER
    config: Array  # CONFIG
    rows: Array  # [n] ROW, shared between runs
    path: Array  # [entries] PATH, shared between runs
    requests: Array  # [n] REQUEST
    instances: Array  # [I] INSTANCE
    nodes: Array  # [I, S] NODE
    runs: Array  # [capacity] RUN
    ring: Array  # [I, bs] decoding members that take a block in steps of this remainder
    finish: Array  # [I, R] HEAP of (last step, sequence): who completes next
    transit: Array  # [I, capacity] HEAP of (queued_us, row): who enters the wait queue next
    log: Array  # [capacity] STEP_LOG
    gaps: Array  # [capacity] LONG_GAP
    prefix_index: Array  # [I, 2 (S + 1)] INDEX
    views: Array  # [I] VIEW
    params: Array  # parameters of the admission template
    memory: Array  # [2] its state
    codes: Array  # [scorers] codes
    weights: Array  # [scorers] weights, sum 1
    times: Array  # [columns, n] int64 results, see boundary.TIMES
    counts: Array  # [columns, n] int32 results, see boundary.COUNTS
