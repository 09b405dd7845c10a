"""When requests come: processes of gaps, and their merged times in whole microseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_number
from blis.plugins import WORKLOADS, Named
from blis.sums import total
from blis.workload.draw.streams import stream

MAX_RATE = 1e6  # requests per second: one per microsecond, the finest that times can tell apart
MIN_CV = 0.001  # below, gamma is `constant` to within rounding
MAX_CV = 10.0  # beyond, the gamma shape falls below 0.01 and nearly all gaps are zero
MAX_REQUESTS = 10**8  # in one table: what memory may hold

Gaps = NDArray[np.float64]

#: name -> (generator, cv, how many) -> gaps of mean 1. Source: workload-and-calibration.md section 7.
ARRIVAL_PROCESSES = Named[Callable[[np.random.Generator, float, int], Gaps]]("process", WORKLOADS)


@ARRIVAL_PROCESSES.register("poisson")
def _poisson(random: np.random.Generator, _cv: float, n: int) -> Gaps:
    return random.standard_exponential(n)


@ARRIVAL_PROCESSES.register("gamma")
def _gamma(random: np.random.Generator, cv: float, n: int) -> Gaps:
    return random.standard_gamma(1 / cv**2, n) * cv**2


@ARRIVAL_PROCESSES.register("constant")
def _constant(_random: np.random.Generator, _cv: float, n: int) -> Gaps:
    return np.ones(n)


@dataclass(frozen=True)
class Arrival:
    """An arrival process; `cv`, the gaps' coefficient of variation, has a meaning for gamma, of ours."""

    process: str
    cv: float = 1.0

    def __post_init__(self) -> None:
        """Check the name and that cv is in [MIN_CV, MAX_CV]."""
        ARRIVAL_PROCESSES[self.process]
        check_number("cv", self.cv, MIN_CV, MAX_CV)


class Source(NamedTuple):
    """One stream of arrivals: the name of its random stream, its process, its rate in requests per second."""

    stream_name: str
    arrival: Arrival
    rate: float


def merged_arrivals(
    sources: Sequence[Source], seed: int, n: int | None, horizon_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first `n` arrivals before `horizon_us` of all sources: ([m] times in µs, [m] index of the source).

    n None: as many as come before the horizon. Each source is an endless sequence that depends on its own
    name and the seed alone; equal times are in the order of the sources.
    Raises InputError if times would grow beyond MAX_TIME_US or requests beyond MAX_REQUESTS.
    """
    total_rate = total(source.rate for source in sources)
    wanted = min(total_rate * horizon_us / 1e6, math.inf if n is None else n)
    if wanted > MAX_REQUESTS:
        raise InputError(f"about {wanted:.3g} requests before the horizon; at most {MAX_REQUESTS} fit in a table")
    # Enough in nearly all cases; where it is not, more of the same sequence is drawn.
    counts = [int(1.1 * wanted * source.rate / total_rate) + 64 for source in sources]
    while True:
        times = [_times_us(source, seed, count) for source, count in zip(sources, counts, strict=True)]
        merged = np.concatenate(times)
        reach = min(int(column[-1]) for column in times)
        end = horizon_us - 1
        if n is not None and len(merged) >= n:
            end = min(end, int(np.partition(merged, n - 1)[n - 1]))
        if reach >= end:
            break
        counts = [2 * count if column[-1] < end else count for count, column in zip(counts, times, strict=True)]
    index = np.repeat(np.arange(len(sources)), counts)
    order = np.argsort(merged, kind="stable")
    order = order[merged[order] < horizon_us][:n]
    return merged[order], index[order]


def _times_us(source: Source, seed: int, count: int) -> NDArray[np.int64]:
    """The first `count` arrivals of one source: sums of gaps, rounded, at least 1 µs apart; never at 0."""
    process = ARRIVAL_PROCESSES[source.arrival.process]
    gaps = process(stream(seed, source.stream_name), source.arrival.cv, count)
    with np.errstate(over="ignore"):
        times = np.cumsum(gaps) * (1e6 / source.rate if source.rate > 0 else math.inf)
    if not times[-1] < MAX_TIME_US:
        raise InputError(f"a rate of {source.rate:g} requests per second puts arrivals beyond {MAX_TIME_US} µs")
    # Rounding the sums, not the gaps, keeps the mean exact; the running maximum keeps gaps of at least 1.
    number = np.arange(1, count + 1)
    return np.maximum.accumulate(np.maximum(np.rint(times).astype(np.int64) - number, 0)) + number
