"""The free blocks of an instance: an LRU list of runs instead of blocks (engine.md 8.6, 8.7).

A release appends runs at the tail; taking new blocks shortens the run at the head from its deep end,
which is the order that freeing a sequence from its last block to its first demands. Blocks that nobody
can ask for again are nobody's: only their number counts, and neighbours merge.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.cache.runs import leave_owner, new_run, recycle
from blis.engine.cache.signal import note_change
from blis.engine.cache.tier import CPU, write_back
from blis.engine.records import ANONYMOUS, NONE, OWNED, SPENT
from blis.jit import kernel


@kernel
def push_tail(w, i, owner, lo, hi):
    """Append free blocks [lo, hi) of an owner as the last to be evicted; returns the run."""
    instance = w.instances[i]
    tail = instance.free.tail
    if owner in (ANONYMOUS, SPENT) and tail != NONE and w.runs[tail].owner == owner:
        w.runs[tail].hi += hi - lo
        return tail
    new = new_run(w, owner, lo, hi)
    links.push_tail(instance.free, w.runs, new)
    return new


@kernel
def push_head(w, i, count):
    """Put `count` empty blocks where the next ones are taken."""
    instance = w.instances[i]
    head = instance.free.head
    if head != NONE and w.runs[head].owner == ANONYMOUS:
        w.runs[head].hi += count
    else:
        links.push_head(instance.free, w.runs, new_run(w, ANONYMOUS, 0, count))


@kernel
def take(w, i, count, now_us):
    """Take `count` blocks from the head for new content; what was cached in them goes to the next tier or is lost.

    The caller has checked that so many are free.
    """
    instance = w.instances[i]
    instance.used_blocks += count
    instance.miss_blocks += count
    while count > 0:
        head = instance.free.head
        run = w.runs[head]
        part = min(count, run.hi - run.lo)
        run.hi -= part
        count -= part
        if run.owner >= 0:
            note_change(w, i, run.owner)
            w.nodes[i, run.owner].resident = run.hi
        if run.owner != ANONYMOUS and w.tiers[CPU, i].blocks > 0:
            write_back(w, CPU, i, run, part, now_us)
        if run.hi == run.lo:
            if run.owner >= 0:
                drop_node_run(w, i, head)
            else:
                if run.owner <= OWNED:
                    w.requests[OWNED - run.owner].own_run = NONE
                drop(w, i, head)


@kernel
def drop_node_run(w, i, position):
    """Remove an emptied run of a node from the node's own list and from the LRU list."""
    leave_owner(w.nodes[i, w.runs[position].owner], w.runs, position)
    drop(w, i, position)


@kernel
def drop(w, i, position):
    """Remove a run from the LRU list; neighbours of nobody's that meet become one."""
    before = w.runs[position].prev
    after = w.runs[position].next
    _unlink(w, i, position)
    if before != NONE and after != NONE:
        owner = w.runs[before].owner
        if owner == w.runs[after].owner and owner in (ANONYMOUS, SPENT):
            w.runs[before].hi += w.runs[after].hi - w.runs[after].lo
            _unlink(w, i, after)


@kernel
def _unlink(w, i, position):
    links.unlink(w.instances[i].free, w.runs, position)
    recycle(w, position)
