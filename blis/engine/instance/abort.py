"""A request that nobody waits for any more leaves its instance, as if it had been dropped there."""

from __future__ import annotations

from blis.engine import heap, links
from blis.engine.in_flight import note_left
from blis.engine.instance.batch import withdraw
from blis.engine.records import ANONYMOUS, AWAY, FCFS, NONE
from blis.jit import kernel
from blis.tables.records import DROPPED, IN_TRANSIT, QUEUED, RUNNING


@kernel
def abort(w, r):
    """Take the request off its instance now; False where it is not on one, or waits in a tree.

    A tree gives only its first: who waits in one ends with the next token, and so does who is still at the gateway.
    """
    request = w.requests[r]
    i = request.instance
    w.rows[r].output_tokens = request.generated + 1
    if i == NONE or (request.status == QUEUED and w.config.queue_order != FCFS):
        return False
    instance = w.instances[i]
    if request.status == IN_TRANSIT:
        heap.remove(w.transit, i, instance.pending, heap.find(w.transit, i, instance.pending, r))
        instance.pending -= 1
    elif request.status == QUEUED:
        links.unlink(instance.queue, w.requests, r)
        instance.queue_depth -= 1
    elif request.status == RUNNING:
        withdraw(w, i, r, False)  # what is full of its blocks stays cached
    else:
        return False
    if request.own_run != NONE:
        w.runs[request.own_run].owner = ANONYMOUS
        request.own_run = NONE
    request.phase = AWAY
    request.status = DROPPED
    instance.dropped += 1
    w.cluster.changes += 1
    note_left(w, i, r)
    return True
