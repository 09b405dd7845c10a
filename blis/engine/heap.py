"""Binary min-heaps of HEAP entries, one row an instance; the caller keeps the sizes."""

from __future__ import annotations

from blis.jit import kernel


@kernel
def push(heap, i, size, key, tie, request):
    """Add an entry to the `size` entries of row i."""
    position = size
    while position > 0:
        parent = (position - 1) >> 1
        above = heap[i, parent]
        if above.key < key or (above.key == key and above.tie <= tie):
            break
        _copy(heap, i, parent, position)
        position = parent
    entry = heap[i, position]
    entry.key = key
    entry.tie = tie
    entry.request = request


@kernel
def remove(heap, i, size, position):
    """Take out the entry at `position` of the `size` entries of row i."""
    last = heap[i, size - 1]
    key = last.key
    tie = last.tie
    request = last.request
    size -= 1
    while True:  # let the hole sink to a leaf of the smaller children …
        child = 2 * position + 1
        if child >= size:
            break
        if child + 1 < size:
            left = heap[i, child]
            right = heap[i, child + 1]
            if right.key < left.key or (right.key == left.key and right.tie < left.tie):
                child += 1
        below = heap[i, child]
        if key < below.key or (key == below.key and tie <= below.tie):
            break
        _copy(heap, i, child, position)
        position = child
    if position < size:
        push(heap, i, position, key, tie, request)  # … and let the last entry rise from there


@kernel
def find(heap, i, size, request):
    """The position of a request's entry in row i; it must be there."""
    for position in range(size):
        if heap[i, position].request == request:
            return position
    raise ValueError("request not in heap")


@kernel
def _copy(heap, i, source, target):
    here = heap[i, source]
    there = heap[i, target]
    there.key = here.key
    there.tie = here.tie
    there.request = here.request
