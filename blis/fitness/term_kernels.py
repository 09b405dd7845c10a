"""Compiled passes of the terms: means over the requests that two runs have in common, class by class.

m rows, K classes, one behind the other. Sums have numpy's order, so that they are what `np.mean` makes of the same
numbers: up to 128 of them in eight lanes, more of them in halves.
"""

from __future__ import annotations

from blis.jit import entry, kernel

#: So many times a number of rows can be halved.
HALVINGS = 64

_LANES, _LEAF = 8, 128


@entry()
def mean_differences(ends, chosen, one, other, room, halves, found):
    """The mean of `one` minus `other` over the chosen rows of each class; 0 without any.

    ends: [K] where each class ends. room: [m], halves: [HALVINGS]. found: [K].
    """
    begin = 0
    for k in range(len(ends)):
        n = 0
        for row in range(begin, ends[k]):
            if chosen[row]:
                room[n] = one[row] - other[row]
                n += 1
        found[k] = _sum(room, n, halves) / n if n > 0 else 0.0
        begin = ends[k]


@kernel
def _sum(values, n, halves):
    """The sum of the first n values: of each half alone, and so on, as long as there are too many."""
    begin = 0
    while True:
        first, size, depth, right = 0, n, 0, 0  # down from all of them to the part that begins there
        while size > _LEAF:
            half = size // 2
            half -= half % _LANES
            depth += 1
            right <<= 1
            if begin < first + half:
                size = half
            else:
                first += half
                size -= half
                right |= 1
        found = _sum_of_few(values, first, first + size)
        while right & 1:  # up from every right half
            depth -= 1
            right >>= 1
            found = halves[depth] + found
        if depth == 0:
            return found
        halves[depth - 1] = found
        begin = first + size


@kernel
def _sum_of_few(values, begin, end):
    if end - begin < _LANES:
        found = 0.0
        for k in range(begin, end):
            found += values[k]
        return found
    a, b, c, d = values[begin], values[begin + 1], values[begin + 2], values[begin + 3]
    e, f, g, h = values[begin + 4], values[begin + 5], values[begin + 6], values[begin + 7]
    k = begin + _LANES
    while k + _LANES <= end:
        a += values[k]
        b += values[k + 1]
        c += values[k + 2]
        d += values[k + 3]
        e += values[k + 4]
        f += values[k + 5]
        g += values[k + 6]
        h += values[k + 7]
        k += _LANES
    found = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for rest in range(k, end):
        found += values[rest]
    return found


@entry()
def worst_means(ends, chosen, values, share, heap, found):
    """The mean of the largest `share` of the chosen values of each class: at least one, the last one in part.

    Values are whole numbers, so that sums are exact. heap: [m] room. found: [K], 0 without a chosen row.
    """
    begin = 0
    for k in range(len(ends)):
        n = 0
        for row in range(begin, ends[k]):
            n += chosen[row]
        found[k] = 0.0
        if n > 0:
            count = max(share * n, 1.0)
            whole = int(count)
            total = _keep_largest(values, chosen, begin, ends[k], heap, min(whole + 1, n))
            if n > whole:  # the last of them counts in part
                total = (total - heap[0]) + (count - whole) * heap[0]
            found[k] = total / count
        begin = ends[k]


@kernel
def _keep_largest(values, chosen, begin, end, heap, wanted):
    """Put so many of the largest chosen values into a heap, the smallest in front; their sum."""
    kept, total = 0, 0.0
    for row in range(begin, end):
        if not chosen[row]:
            continue
        if kept < wanted:
            heap[kept] = values[row]
            total += values[row]
            kept += 1
            if kept == wanted:
                for place in range(wanted // 2 - 1, -1, -1):
                    _sink(heap, place, wanted)
        elif values[row] > heap[0]:
            total += values[row] - heap[0]
            heap[0] = values[row]
            _sink(heap, 0, wanted)
    return total


@kernel
def _sink(heap, place, size):
    """Let a value sink to where no smaller one is below it."""
    value = heap[place]
    below = 2 * place + 1
    while below < size:
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= value:
            break
        heap[place] = heap[below]
        place, below = below, 2 * below + 1
    heap[place] = value
