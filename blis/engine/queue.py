"""The wait queue and the batch of an instance: linked lists through the request records."""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def push_back(instance, r, requests):
    """Append a request to the wait queue."""
    requests[r].queue_next = NONE
    if instance.queue_tail == NONE:
        instance.queue_head = r
    else:
        requests[instance.queue_tail].queue_next = r
    instance.queue_tail = r
    instance.queue_depth += 1


@kernel
def push_front(instance, r, requests):
    """Put a preempted request before all that wait."""
    requests[r].queue_next = instance.queue_head
    if instance.queue_head == NONE:
        instance.queue_tail = r
    instance.queue_head = r
    instance.queue_depth += 1


@kernel
def pop_front(instance, requests):
    """Take the head off the wait queue."""
    instance.queue_head = requests[instance.queue_head].queue_next
    if instance.queue_head == NONE:
        instance.queue_tail = NONE
    instance.queue_depth -= 1


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
