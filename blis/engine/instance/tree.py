"""Trees of requests that wait, the one of the lowest rank on top of each: skew heaps (Sleator and Tarjan, 1986).

Who waits is in no list, so `prev` and `next` of a request say which two stand below it. Putting one in and taking the
first one out takes as many steps as the logarithm of their number, averaged over a run, and no room of its own.
"""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def with_one(w, root, r):
    """The tree with one more; root: NONE for an empty one."""
    w.requests[r].next = NONE
    w.requests[r].prev = NONE
    return _merged(w, root, r)


@kernel
def without_first(w, root):
    """The tree without the one on top."""
    return _merged(w, w.requests[root].next, w.requests[root].prev)


@kernel
def before(w, r, other):
    """Whether one who waits ranks before another."""
    one = w.order[r]
    two = w.order[other]
    return one.rank < two.rank or (one.rank == two.rank and one.tie < two.tie)


@kernel
def _merged(w, a, b):
    """Two trees as one. What stood on the left of each on the way stands on its right, and so both stay shallow."""
    root = NONE
    above = NONE
    while a != NONE and b != NONE:
        if before(w, b, a):
            a, b = b, a
        if above == NONE:
            root = a
        else:
            w.requests[above].next = a
        above = a
        a = w.requests[above].prev
        w.requests[above].prev = w.requests[above].next
    rest = a if a != NONE else b
    if above == NONE:
        return rest
    w.requests[above].next = rest
    return root
