"""Orders of waiting requests and of victims that arrivals decide, where arrivals are not known before the run.

Else they are settled before it, from the same templates (build/order.py, build/encode_traits.py).
"""

from __future__ import annotations

import numpy as np

from blis.jit import kernel
from blis.policies.priority import PRIORITIES
from blis.policies.schedulers import SCHEDULERS

_priority = PRIORITIES.dispatcher()
_key = SCHEDULERS.dispatcher()


@kernel
def settle_rank(w, r):
    """A request arrives: note where it stands in the orders that somebody asks for; equals go by arrival."""
    if len(w.columns) == 0:
        return
    columns = w.columns[r]
    place = w.loops[r].place
    columns.arrival_us = w.rows[r].arrival_us
    if len(w.order) > 0:
        columns.priority = _priority(w.config.priority, w.priority, columns)
        w.order[r].rank = in_order(_key(w.config.scheduler, w.scheduler, columns))
        w.order[r].tie = place
        w.order[r].victim -= place
    if w.config.flow_control:
        w.traits[r].rank = in_order(columns.arrival_us + columns.ttft_us) if w.config.by_deadline else place


@kernel
def in_order(number):
    """An integer that compares with others as these numbers do: their bits, the negative ones turned round."""
    bits = np.float64(number + 0.0).view(np.int64)  # of the two zeros the positive one
    return bits if bits >= 0 else bits ^ 0x7FFFFFFFFFFFFFFF
