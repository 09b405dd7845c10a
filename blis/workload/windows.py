"""A trace is one sample: its pools are consecutive windows of time.

What wins is chosen on earlier windows and judged on the last, so the claim is "on this trace, later". Conversations of
a closed loop are cut where a window begins or ends: requests belong where they come at the soonest.
Source: default-problem.md section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from blis.errors import InputError, check_number
from blis.tables.requests import RequestTable
from blis.workload.follow import cut_at
from blis.workload.subset import take_rows

POOLS = ("search", "selection", "report")  # in this order in time


@dataclass(frozen=True)
class Windows:
    """How the time of a trace is divided.

    warmup_s: seconds before each window that run unscored, to fill caches and queues; the first ones of the
    trace serve nothing else. search, selection, report: shares of the rest, summing to 1.
    """

    warmup_s: float = 120.0
    search: float = 0.3
    selection: float = 0.2
    report: float = 0.5

    def __post_init__(self) -> None:
        """Check the ranges and the sum."""
        check_number("warmup_s", self.warmup_s, 0, 1e9)
        for pool in POOLS:
            check_number(pool, getattr(self, pool), above=0)
        total = sum(self.shares)
        if abs(total - 1) > 1e-9:
            raise InputError(f"the shares of {', '.join(POOLS)} must sum to 1, got {total:g}")

    @property
    def shares(self) -> tuple[float, ...]:
        """The pools' shares of the time, in the order of POOLS."""
        return tuple(getattr(self, pool) for pool in POOLS)


@dataclass(frozen=True)
class Window:
    """A stretch [start_us, end_us) of a trace's time, as a table of its own.

    The table's time 0 is the start of the warm-up. Its scored rows are those of the stretch.
    """

    table: RequestTable
    start_us: int
    end_us: int


def split(table: RequestTable, windows: Windows) -> dict[str, Window]:
    """The window of each pool. Raises InputError if the trace is too short, naming the pool without requests."""
    warmup_us = round(windows.warmup_s * 1e6)
    begin = table.first_arrival_us + warmup_us
    duration_us = table.span_us + 1 - warmup_us
    if duration_us <= 0:
        seconds = (duration_us + warmup_us) / 1e6
        raise InputError(f"the trace lasts {seconds:g} s, all of it within the warm-up of {windows.warmup_s:g} s")
    edges = [begin + round(share * duration_us) for share in np.cumsum((0.0, *windows.shares)).tolist()]
    edges[-1] = begin + duration_us  # whatever the rounding of the sum
    found = {}
    for pool, start, end in zip(POOLS, edges[:-1], edges[1:], strict=True):
        cut = cut_at(table, (start - warmup_us, start, end))
        first, scored, last = np.searchsorted(cut.opened_us, (start - warmup_us, start, end)).tolist()
        if scored == last:
            raise InputError(f"no request in the {pool} window, {(end - start) / 1e6:g} s long: the trace is too short")
        part = slice_rows(cut, first, last, start - warmup_us)
        found[pool] = Window(replace(part, scored=(scored - first, last - first)), start, end)
    return found


def slice_rows(table: RequestTable, first: int, last: int, origin_us: int) -> RequestTable:
    """Rows [first, last) as a table, with times counted from `origin_us`.

    The content tree is the same, so blocks keep their identity; only `shared` is counted anew. Rows keep their
    names, and none is marked as scored. Raises InputError if there are no such rows or one arrives before `origin_us`.
    """
    if not 0 <= first < last <= len(table):
        raise InputError(f"rows [{first}, {last}) of a table of {len(table)}")
    if table.arrival_us[first] < origin_us:
        raise InputError(f"request {first} arrives at {table.arrival_us[first]} µs, before {origin_us}")
    entries = slice(int(table.path_offset[first]), int(table.path_offset[last]))
    rows = take_rows(table, slice(first, last), entries)
    arrival_us = np.where(rows.arrival_us < 0, -1, rows.arrival_us - origin_us)
    arrival_us.setflags(write=False)
    return replace(rows, arrival_us=arrival_us)
