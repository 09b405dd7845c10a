"""The wait queue and the batch of an instance.

The batch, and the queue under `fcfs`, are lists of requests (links.py). Under any other scheduler those who wait are in
a tree (tree.py): their order is settled before (order.py). Only that of `least-attained-service` changes from step to
step, for all of a tenant at once: there each tenant has a tree of its own, and the queue is a list of these tenants.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.instance import tree
from blis.engine.instance.adapters import note_waits, put_down, take_up
from blis.engine.instance.service import attained_tokens
from blis.engine.records import FCFS, LEAST_ATTAINED, NONE
from blis.jit import kernel
from blis.tables.records import ABANDONED


@kernel
def put(w, i, r, first):
    """Let a request wait: behind all others, or `first` before them; where there is an order, at its place."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        t = w.order[r].tenant if w.config.queue_order == LEAST_ATTAINED else 0
        if w.service[i, t].root == NONE:
            links.push_tail(instance.queue, w.service[i], t)
        w.service[i, t].root = tree.with_one(w, w.service[i, t].root, r)
    elif first:
        links.push_head(instance.queue, w.requests, r)
    else:
        links.push_tail(instance.queue, w.requests, r)
    instance.queue_depth += 1
    note_waits(w, i, r, 1)


@kernel
def head(w, i):
    """The request that is admitted next, and whose tree it is in. The queue is not empty."""
    t = w.instances[i].queue.head
    if w.config.queue_order == FCFS:
        return t, 0
    if w.config.queue_order == LEAST_ATTAINED:
        t = _least_attained(w, i)
    return w.service[i, t].root, t


@kernel
def take_out(w, i, r, t):
    """Remove what `head` has found."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        w.service[i, t].root = tree.without_first(w, w.service[i, t].root)
        _settle_top(w, i, t)
    else:
        links.unlink(instance.queue, w.requests, r)
    instance.queue_depth -= 1
    note_waits(w, i, r, -1)


@kernel
def withdraw_waiting(w, i, r):
    """Remove a request from anywhere in the queue; in a tree one that is abandoned is passed over when it is on top."""
    instance = w.instances[i]
    if w.config.queue_order != FCFS:
        _settle_top(w, i, w.order[r].tenant if w.config.queue_order == LEAST_ATTAINED else 0)
    else:
        links.unlink(instance.queue, w.requests, r)
    instance.queue_depth -= 1
    note_waits(w, i, r, -1)


@kernel
def set_aside(w, i, r, t):
    """Remove what `head` has found until `put_back`, so that those behind it are looked at."""
    take_out(w, i, r, t)
    links.push_tail(w.instances[i].aside, w.requests, r)


@kernel
def put_back(w, i):
    """Whoever was set aside waits again, in the same place."""
    aside = w.instances[i].aside
    while aside.tail != NONE:
        r = aside.tail
        links.unlink(aside, w.requests, r)
        put(w, i, r, True)


@kernel
def _settle_top(w, i, t):
    """The request on top of a tree is one that waits; without any the tree is in the queue no more."""
    root = w.service[i, t].root
    while root != NONE and w.requests[root].status == ABANDONED:
        root = tree.without_first(w, root)
    w.service[i, t].root = root
    if root == NONE:
        links.unlink(w.instances[i].queue, w.service[i], t)


@kernel
def _least_attained(w, i):
    """The tenant that has got the least here, of those who have requests that wait; ties by rank."""
    best = w.instances[i].queue.head
    fewest = attained_tokens(w, i, best)
    t = w.service[i, best].next
    while t != NONE:
        tokens = attained_tokens(w, i, t)
        ranks_first = tokens == fewest and tree.before(w, w.service[i, t].root, w.service[i, best].root)
        if tokens < fewest or ranks_first:
            best = t
            fewest = tokens
        t = w.service[i, t].next
    return best


@kernel
def join_batch(w, i, r):
    """Append a request to the batch, which is in the order of admissions."""
    instance = w.instances[i]
    links.push_tail(instance.batch, w.requests, r)
    instance.batch_size += 1
    w.requests[r].sequence = instance.admitted
    instance.admitted += 1
    take_up(w, i, r)


@kernel
def leave_batch(w, i, r):
    """Take a request out of the batch; the walk over ordered members starts at its successor if it did with it."""
    instance = w.instances[i]
    if instance.first_ordered == r:
        instance.first_ordered = w.requests[r].next
    links.unlink(instance.batch, w.requests, r)
    instance.batch_size -= 1
    put_down(w, i, r)
