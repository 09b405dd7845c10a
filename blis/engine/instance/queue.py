"""The wait queue and the batch of an instance.

The batch, and the queue under `fcfs`, are linked lists through the request records. Under any other
scheduler the queue is a heap: the order of the requests is settled before the run (order.py), and only
`least-attained-service`, whose keys change from step to step, looks through all of it.
"""

from __future__ import annotations

from blis.engine.instance import heap
from blis.engine.instance.service import attained_tokens
from blis.engine.records import FCFS, LEAST_ATTAINED, NONE
from blis.jit import kernel


@kernel
def put(w, i, r, first):
    """Let a request wait: behind all others, or `first` before them; where there is an order, at its place."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        heap.push(w.waiting, i, instance.queue_depth, w.order[r].rank, 0, r)
    elif first:
        w.requests[r].queue_next = instance.queue_head
        if instance.queue_head == NONE:
            instance.queue_tail = r
        instance.queue_head = r
    else:
        w.requests[r].queue_next = NONE
        if instance.queue_tail == NONE:
            instance.queue_head = r
        else:
            w.requests[instance.queue_tail].queue_next = r
        instance.queue_tail = r
    instance.queue_depth += 1


@kernel
def head(w, i):
    """The request that is admitted next, and its position in the heap. The queue is not empty."""
    if w.config.queue_order == FCFS:
        return w.instances[i].queue_head, 0
    position = 0
    if w.config.queue_order == LEAST_ATTAINED:
        position = _least_attained(w, i)
    return w.waiting[i, position].request, position


@kernel
def take_out(w, i, position):
    """Remove what `head` has found."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        heap.remove(w.waiting, i, instance.queue_depth, position)
    else:
        instance.queue_head = w.requests[instance.queue_head].queue_next
        if instance.queue_head == NONE:
            instance.queue_tail = NONE
    instance.queue_depth -= 1


@kernel
def _least_attained(w, i):
    """Where the request waits whose tenant has got the least here; ties by rank."""
    best = 0
    fewest = attained_tokens(w, i, w.waiting[i, 0].request)
    for position in range(1, w.instances[i].queue_depth):
        tokens = attained_tokens(w, i, w.waiting[i, position].request)
        if tokens < fewest or (tokens == fewest and w.waiting[i, position].key < w.waiting[i, best].key):
            best = position
            fewest = tokens
    return best


@kernel
def join_batch(instance, r, requests):
    """Append a request to the batch, which is in the order of admissions."""
    request = requests[r]
    request.batch_prev = instance.batch_tail
    request.batch_next = NONE
    if instance.batch_tail == NONE:
        instance.batch_head = r
    else:
        requests[instance.batch_tail].batch_next = r
    instance.batch_tail = r
    instance.batch_size += 1
    request.sequence = instance.admitted
    instance.admitted += 1


@kernel
def leave_batch(instance, r, requests):
    """Take a request out of the batch; the walk over ordered members starts at its successor if it did with it."""
    request = requests[r]
    if instance.first_ordered == r:
        instance.first_ordered = request.batch_next
    if request.batch_prev == NONE:
        instance.batch_head = request.batch_next
    else:
        requests[request.batch_prev].batch_next = request.batch_next
    if request.batch_next == NONE:
        instance.batch_tail = request.batch_prev
    else:
        requests[request.batch_next].batch_prev = request.batch_prev
    instance.batch_size -= 1
