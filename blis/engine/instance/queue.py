"""The wait queue and the batch of an instance.

The batch, and the queue under `fcfs`, are lists of requests (links.py). Under any other
scheduler the queue is a heap: the order of the requests is settled before the run (order.py), and only
`least-attained-service`, whose keys change from step to step, looks through all of it.
"""

from __future__ import annotations

from blis.engine import heap, links
from blis.engine.instance.service import attained_tokens
from blis.engine.records import FCFS, LEAST_ATTAINED
from blis.jit import kernel


@kernel
def put(w, i, r, first):
    """Let a request wait: behind all others, or `first` before them; where there is an order, at its place."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        heap.push(w.waiting, i, instance.queue_depth, w.order[r].rank, w.order[r].tie, r)
    elif first:
        links.push_head(instance.queue, w.requests, r)
    else:
        links.push_tail(instance.queue, w.requests, r)
    instance.queue_depth += 1


@kernel
def head(w, i):
    """The request that is admitted next, and its position in the heap. The queue is not empty."""
    if w.config.queue_order == FCFS:
        return w.instances[i].queue.head, 0
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
        links.unlink(instance.queue, w.requests, instance.queue.head)
    instance.queue_depth -= 1


@kernel
def _least_attained(w, i):
    """Where the request waits whose tenant has got the least here; ties by rank."""
    best = 0
    fewest = attained_tokens(w, i, w.waiting[i, 0].request)
    for position in range(1, w.instances[i].queue_depth):
        tokens = attained_tokens(w, i, w.waiting[i, position].request)
        if tokens < fewest or (tokens == fewest and _before(w, i, position, best)):
            best = position
            fewest = tokens
    return best


@kernel
def _before(w, i, position, other):
    """Whether one who waits ranks before another."""
    one = w.waiting[i, position]
    two = w.waiting[i, other]
    return one.key < two.key or (one.key == two.key and one.tie < two.tie)


@kernel
def join_batch(instance, r, requests):
    """Append a request to the batch, which is in the order of admissions."""
    links.push_tail(instance.batch, requests, r)
    instance.batch_size += 1
    requests[r].sequence = instance.admitted
    instance.admitted += 1


@kernel
def leave_batch(instance, r, requests):
    """Take a request out of the batch; the walk over ordered members starts at its successor if it did with it."""
    if instance.first_ordered == r:
        instance.first_ordered = requests[r].next
    links.unlink(instance.batch, requests, r)
    instance.batch_size -= 1
