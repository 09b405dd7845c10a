"""Slots of `World.runs`: where runs of blocks, free on a GPU or kept in a lower tier, come from and go to."""

from __future__ import annotations

from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def new_run(w, owner, lo, hi):
    """A run without neighbours; the caller has checked that there is room (step._room_for_step)."""
    position = w.cluster.free_run
    if position == NONE:
        position = w.cluster.runs_used
        w.cluster.runs_used += 1
    else:
        w.cluster.free_run = w.runs[position].next
    run = w.runs[position]
    run.owner = owner
    run.lo = lo
    run.hi = hi
    run.prev = NONE
    run.next = NONE
    run.up = NONE
    run.down = NONE
    return position


@kernel
def recycle(w, position):
    """Give a slot back."""
    w.runs[position].next = w.cluster.free_run
    w.cluster.free_run = position
