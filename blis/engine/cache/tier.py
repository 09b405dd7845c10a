"""A tier of the KV cache below the GPU: what the GPU evicts lives here until it is asked for or gets too old.

A content is in one tier only, and deeper blocks leave every tier first. So a tier holds the blocks of an
owner that follow those of the tiers above, as runs: the shallowest came last. An owner is a shared node on
one instance or the own blocks of an evicted request; both are a number here (`node_owner`, `request_owner`).
What nobody can ask for again, SPENT, takes its place in the LRU list all the same.
"""

from __future__ import annotations

import math

from blis.engine import links
from blis.engine.cache.runs import add_shallow, leave_owner, new_run, recycle
from blis.engine.records import NONE, OWNED, SPENT
from blis.jit import kernel

CPU = 0  # the tier next to the GPU
THRASH_WINDOW_US = 1000  # a block that comes back sooner went for nothing


@kernel
def node_owner(w, i, node):
    """The number of a shared node on instance i in `World.below`."""
    return i * w.nodes.shape[1] + node


@kernel
def request_owner(w, r):
    """The number of a request in `World.below`."""
    return w.nodes.size + r


@kernel
def write_back(w, t, i, run, count, now_us):
    """Keep the `count` blocks that were just cut off the deep end of a run of the GPU's.

    They become the newest of tier t, the deepest first; the oldest leave if it is full.
    """
    owner = run.owner
    if owner >= 0:
        owner = node_owner(w, i, owner)
    elif owner <= OWNED:
        owner = request_owner(w, OWNED - owner)
    tier = w.tiers[t, i]
    w.instances[i].offloaded_blocks += count
    tail = tier.lru.tail
    if tail != NONE and w.runs[tail].owner == owner and (owner == SPENT or w.runs[tail].since_us == now_us):
        w.runs[tail].lo -= count
    else:
        _append(w, t, i, owner, run.hi, run.hi + count, now_us)
    tier.used_blocks += count
    while tier.used_blocks > tier.blocks:
        head = tier.lru.head
        oldest = w.runs[head]
        part = min(tier.used_blocks - tier.blocks, oldest.hi - oldest.lo)
        oldest.hi -= part
        tier.used_blocks -= part
        if oldest.owner >= 0:
            w.below[t, oldest.owner].reach = oldest.hi
        if oldest.hi == oldest.lo:
            _drop(w, t, i, head)


@kernel
def discard(w, t, i, owner, end, recent_us):
    """Remove an owner's blocks before number `end`, which are in the GPU from now on.

    Returns how many of them came after `recent_us`.
    """
    tier = w.tiers[t, i]
    below = w.below[t, owner]
    recent = 0
    while below.shallow_run != NONE and w.runs[below.shallow_run].lo < end:
        shallow = below.shallow_run
        run = w.runs[shallow]
        part = min(run.hi, end) - run.lo
        run.lo += part
        tier.used_blocks -= part
        if run.since_us > recent_us:
            recent += part
        if run.lo == run.hi:
            _drop(w, t, i, shallow)
    return recent


@kernel
def transfer_us(tier, blocks):
    """How long it takes to bring blocks of one admission to the GPU, in whole µs."""
    return tier.base_latency_us + math.ceil(blocks / tier.bandwidth_blocks_us)


@kernel
def _append(w, t, i, owner, lo, hi, now_us):
    new = new_run(w, owner, lo, hi)
    w.runs[new].since_us = now_us
    links.push_tail(w.tiers[t, i].lru, w.runs, new)
    if owner >= 0:
        below = w.below[t, owner]
        if below.shallow_run == NONE:
            below.reach = hi
        add_shallow(below, w.runs, new)


@kernel
def _drop(w, t, i, position):
    """Remove an emptied run from the LRU list and from its owner's."""
    links.unlink(w.tiers[t, i].lru, w.runs, position)
    owner = w.runs[position].owner
    if owner >= 0:
        below = w.below[t, owner]
        leave_owner(below, w.runs, position)
        if below.shallow_run == NONE:
            below.reach = 0
    recycle(w, position)
