"""Arrivals of many sources in the order of time, some at a time: those of `merged_arrivals`, however many there are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from blis.sums import total
from blis.workload.draw.arrivals import Source, Times
from blis.workload.draw.streams import Fresh

Part = tuple[NDArray[np.int64], NDArray[np.int32]]


def arrivals_in_parts(
    sources: Sequence[Source], streams: Fresh, n: int | None, horizon_us: int, size: int
) -> Iterator[Part]:
    """([m] times in µs, [m] index of the source), part by part, each of about `size` of them but never none.

    The first `n` before the horizon, n None: all. Raises InputError if times would grow beyond MAX_TIME_US.
    """
    left = math.inf if n is None else n
    for times, index in _parts(sources, streams, horizon_us, size):
        last = int(min(np.searchsorted(times, horizon_us), left))
        if last:
            yield times[:last], index[:last]
        left -= last
        if last < len(times) or not left:
            return


def _parts(sources: Sequence[Source], streams: Fresh, horizon_us: int, size: int) -> Iterator[Part]:
    """The same without an end, but for sources that come to theirs."""
    rate = total(source.rate for source in sources) or 1.0
    gaps = [int(size * source.rate / rate) + 64 for source in sources]
    known = [Times(source, streams(source.stream_name)) for source in sources]
    held: list[list[NDArray[np.int64]]] = [[] for _ in sources]
    # Who is known for the shortest time is next; a source whose clock never runs has nothing to draw.
    reach = [(0.0, i) for i, source in enumerate(sources) if source.clock is None or source.expected(horizon_us) > 0]
    heapq.heapify(reach)
    fresh = 0
    while reach:
        _, i = heapq.heappop(reach)
        held[i].append(known[i].more(gaps[i] + (4 * sources[i].lead if known[i].reach_us == 0 else 0)))
        fresh += len(held[i][-1])
        if known[i].reach_us < math.inf:
            heapq.heappush(reach, (known[i].reach_us, i))
        if fresh >= size or not reach:
            until_us = reach[0][0] if reach else math.inf
            times, index = _merged(held, until_us)
            fresh = 0
            if len(times):
                yield times, index


def _merged(held: list[list[NDArray[np.int64]]], until_us: float) -> Part:
    """Takes out what comes up to an instant; at one instant in the order of the sources."""
    due = []
    for parts in held:
        times = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        count = int(np.searchsorted(times, until_us, side="right"))
        due.append(times[:count])
        parts[:] = [times[count:]] if count < len(times) else []
    times = np.concatenate(due)
    index = np.repeat(np.arange(len(due), dtype=np.int32), [len(each) for each in due])
    order = np.argsort(times, kind="stable")
    return times[order], index[order]
