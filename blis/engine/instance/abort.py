"""A request that nobody waits for any more leaves its instance, as if it had been dropped there."""

from __future__ import annotations

from blis.engine import heap, links
from blis.engine.cache.kv import release
from blis.engine.in_flight import note_left
from blis.engine.instance.batch import stored_tokens
from blis.engine.instance.queue import leave_batch
from blis.engine.instance.service import leave_decode
from blis.engine.records import ANONYMOUS, AWAY, DECODE, FCFS, NONE
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
        _leave(w, i, r)
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


@kernel
def _leave(w, i, r):
    """A member of the batch gives back blocks and place; what is full of its blocks stays cached."""
    instance = w.instances[i]
    request = w.requests[r]
    stored = request.computed
    if request.phase == DECODE:
        stored = stored_tokens(w, r, instance.steps + 1)
        w.ring[i, request.ring] -= 1
        leave_decode(w, i, r)
        instance.decode_base -= stored - (instance.steps + 1)
        heap.remove(w.finish, i, instance.decoding, heap.find(w.finish, i, instance.decoding, r))
        instance.decoding -= 1
    leave_batch(instance, r, w.requests)
    release(w, i, r, stored, False)
