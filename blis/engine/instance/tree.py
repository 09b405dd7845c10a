"""Trees of requests that wait, the one of the lowest rank on top of each: skew heaps (Sleator and Tarjan, 1986).

Which two stand below a request is noted beside its rank, so that a look at one is a look at both. Putting one in and
taking the first one out takes as many steps as the logarithm of their number, averaged over a run.
"""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def with_one(w, root, r):
    """The tree with one more; root: NONE for an empty one."""
    w.order[r].right = NONE
    w.order[r].left = NONE
    return _merged(w, root, r)


@kernel
def without_first(w, root):
    """The tree without the one on top."""
    return _merged(w, w.order[root].right, w.order[root].left)


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
            w.order[above].right = a
        above = a
        a = w.order[above].left
        w.order[above].left = w.order[above].right
    rest = a if a != NONE else b
    if above == NONE:
        return rest
    w.order[above].right = rest
    return root
