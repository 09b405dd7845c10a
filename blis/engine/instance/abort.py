"""A request that nobody waits for any more leaves its instance. What the step that runs brings it, it still gets."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.instance.batch import withdraw
from blis.engine.instance.queue import withdraw_waiting
from blis.engine.records import ANONYMOUS, AWAY, DECODE, NONE
from blis.jit import kernel
from blis.tables.records import IN_TRANSIT, QUEUED


@kernel
def abort(w, i, r, status):
    """Take a request that is not over off instance i, which is up; `status` is what it has from now on."""
    request = w.requests[r]
    instance = w.instances[i]
    before = request.status
    request.status = status
    if before == IN_TRANSIT:
        heap.remove(w.transit, i, instance.pending, heap.find(w.transit, i, instance.pending, r))
        instance.pending -= 1
    elif before == QUEUED:
        withdraw_waiting(w, i, r)
    else:
        _leave_batch(w, i, r)
    if request.own_run != NONE:
        w.runs[request.own_run].owner = ANONYMOUS
        request.own_run = NONE
    request.phase = AWAY


@kernel
def _leave_batch(w, i, r):
    """What is full of its blocks stays cached. A step that is broken off gives it nothing."""
    request = w.requests[r]
    instance = w.instances[i]
    decodes = request.phase == DECODE
    stored = withdraw(w, i, r, False)
    if decodes:
        broken_off = instance.busy_until_us == instance.fails_us
        request.last_step = instance.steps - broken_off
        request.generated = stored - w.rows[r].input_tokens + 1 - broken_off
    instance.emptied = instance.batch_size == 0
