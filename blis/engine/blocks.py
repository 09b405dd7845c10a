"""The free blocks of an instance: an LRU list of runs instead of blocks (engine.md 8.6, 8.7).

A release appends runs at the tail; taking new blocks shortens the run at the head from its deep end,
which is the order that freeing a sequence from its last block to its first demands. Blocks that nobody
can ask for again are anonymous: only their number counts, and neighbours merge.
"""

from __future__ import annotations

from blis.engine.records import ANONYMOUS, NONE, OWNED
from blis.jit import kernel


@kernel
def push_tail(w, i, owner, lo, hi):
    """Append free blocks [lo, hi) of an owner as the last to be evicted; returns the run."""
    instance = w.instances[i]
    tail = instance.free_tail
    if owner == ANONYMOUS and tail != NONE and w.runs[tail].owner == ANONYMOUS:
        w.runs[tail].hi += hi - lo
        return tail
    new = _new_run(w, owner, lo, hi)
    w.runs[new].prev = tail
    if tail == NONE:
        instance.free_head = new
    else:
        w.runs[tail].next = new
    instance.free_tail = new
    return new


@kernel
def push_head(w, i, count):
    """Put `count` empty blocks where the next ones are taken."""
    instance = w.instances[i]
    head = instance.free_head
    if head != NONE and w.runs[head].owner == ANONYMOUS:
        w.runs[head].hi += count
        return
    new = _new_run(w, ANONYMOUS, 0, count)
    w.runs[new].next = head
    if head == NONE:
        instance.free_tail = new
    else:
        w.runs[head].prev = new
    instance.free_head = new


@kernel
def take(w, i, count):
    """Take `count` blocks from the head for new content; what was cached in them is lost.

    The caller has checked that so many are free.
    """
    instance = w.instances[i]
    instance.used_blocks += count
    instance.miss_blocks += count
    while count > 0:
        head = instance.free_head
        run = w.runs[head]
        part = min(count, run.hi - run.lo)
        run.hi -= part
        count -= part
        if run.owner >= 0:
            w.nodes[i, run.owner].resident = run.hi
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
    run = w.runs[position]
    node = w.nodes[i, run.owner]
    if run.up == NONE:
        node.shallow_run = run.down
    else:
        w.runs[run.up].down = run.down
    if run.down == NONE:
        node.deep_run = run.up
    else:
        w.runs[run.down].up = run.up
    drop(w, i, position)


@kernel
def drop(w, i, position):
    """Remove a run from the LRU list; anonymous neighbours that meet become one."""
    before = w.runs[position].prev
    after = w.runs[position].next
    _unlink(w, i, position)
    if before != NONE and after != NONE and w.runs[before].owner == ANONYMOUS and w.runs[after].owner == ANONYMOUS:
        w.runs[before].hi += w.runs[after].hi
        _unlink(w, i, after)


@kernel
def _unlink(w, i, position):
    instance = w.instances[i]
    run = w.runs[position]
    if run.prev == NONE:
        instance.free_head = run.next
    else:
        w.runs[run.prev].next = run.next
    if run.next == NONE:
        instance.free_tail = run.prev
    else:
        w.runs[run.next].prev = run.prev
    run.next = w.cluster.free_run
    w.cluster.free_run = position


@kernel
def _new_run(w, owner, lo, hi):
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
