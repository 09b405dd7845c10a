"""Runs of blocks, free on a GPU or kept in a lower tier: where they come from, where they go, and whose they are.

A run is in up to two lists: the LRU list of its instance or tier (links.py), and that of its owner, a record which
knows the shallowest of its runs, and the runs each other's `up` and `down`.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def new_run(w, owner, lo, hi):
    """A run without neighbours; the caller has checked that there is room (step._room_for_step)."""
    position = links.take_slot(w.cluster.run_slots, w.runs)
    run = w.runs[position]
    run.owner = owner
    run.lo = lo
    run.hi = hi
    run.up = NONE
    run.down = NONE
    return position


@kernel
def recycle(w, position):
    """A run that is in no list any more."""
    links.give_back(w.cluster.run_slots, w.runs, position)


@kernel
def add_shallow(owner, runs, position):
    """The run is the shallowest of its owner now."""
    runs[position].down = owner.shallow_run
    if owner.shallow_run != NONE:
        runs[owner.shallow_run].up = position
    owner.shallow_run = position


@kernel
def leave_owner(owner, runs, position):
    """The run is its owner's no longer."""
    up = runs[position].up
    down = runs[position].down
    if up == NONE:
        owner.shallow_run = down
    else:
        runs[up].down = down
    if down != NONE:
        runs[down].up = up
