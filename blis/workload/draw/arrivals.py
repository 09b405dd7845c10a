"""When requests come: processes of gaps, and their merged times in whole microseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_number
from blis.plugins import WORKLOADS, Named
from blis.sums import total
from blis.workload.draw.rates import Clock
from blis.workload.draw.streams import stream

MAX_RATE = 1e6  # requests per second: one per microsecond, the finest that times can tell apart
MIN_CV = 0.001  # below, gamma is `constant` to within rounding
MAX_CV = 10.0  # beyond, the gamma shape falls below 0.01 and nearly all gaps are zero
MAX_REQUESTS = 10**8  # in one table: what memory may hold
RECORDED = "recorded"  # the process whose gaps are given
WITHOUT_CV = ("poisson", "constant", RECORDED)  # processes whose gaps vary as they do

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


@ARRIVAL_PROCESSES.register("weibull")
def _weibull(random: np.random.Generator, cv: float, n: int) -> Gaps:
    shape = weibull_shape(cv)
    return random.standard_exponential(n) ** (1 / shape) / math.gamma(1 + 1 / shape)


def weibull_shape(cv: float) -> float:
    """The shape k of a Weibull variable whose coefficient of variation is `cv`, in [MIN_CV, MAX_CV]."""
    low, high = 0.1, 2000.0
    for _ in range(80):  # halved until nothing is left between the two
        middle = (low + high) / 2
        # The ratio of the second moment to the mean's square is cv**2 + 1, and falls with k.
        ratio = math.lgamma(1 + 2 / middle) - 2 * math.lgamma(1 + 1 / middle)
        low, high = (middle, high) if ratio > math.log1p(cv**2) else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class Arrival:
    """An arrival process.

    cv: the gaps' coefficient of variation, of ours for gamma and weibull; left out = 1. times: for RECORDED, when
    requests came, in any unit: their pattern is repeated without end at the rate that is asked for. every_s: requests
    are let in together, at whole multiples of so many seconds; left out = when they come.
    """

    process: str
    cv: float | None = None
    times: tuple[float, ...] | None = None
    every_s: float | None = None

    def __post_init__(self) -> None:
        """Check the name and the ranges, that times are in order, and that they and a cv are where they belong."""
        self._check_cv()
        if self.every_s is not None:
            check_number("every_s", self.every_s, 1e-3, 1e6)
        if self.process != RECORDED:
            ARRIVAL_PROCESSES[self.process]
            if self.times is not None:
                raise InputError(f"times are for process {RECORDED}, not {self.process}")
            return
        times = self.times or ()
        for i, time in enumerate(times):
            check_number(f"times[{i}]", time, times[i - 1] if i else 0)
        if len(times) < 2 or times[0] == times[-1]:
            raise InputError(f"process {RECORDED} needs `times` or a `file` with two different times or more")

    def _check_cv(self) -> None:
        """Check that a process that has one has one."""
        if self.cv is not None:
            check_number("cv", self.cv, MIN_CV, MAX_CV)
            if self.process in WITHOUT_CV:
                raise InputError(f"cv is for gamma and weibull; process {self.process} has none to choose")
        elif self.process not in WITHOUT_CV:
            object.__setattr__(self, "cv", 1.0)

    def gaps(self, random: np.random.Generator, n: int, first: int = 0) -> Gaps:
        """[n] gaps of mean 1 (at most, over whole rounds of a recording), after the `first` ones of the generator."""
        if self.times is None:
            return ARRIVAL_PROCESSES[self.process](random, 1.0 if self.cv is None else self.cv, n)
        recorded = np.diff(self.times)
        return np.take(recorded / recorded.mean(), np.arange(first, first + n), mode="wrap")

    def scaled(self, factor: float) -> Arrival:
        """The same with so many times the variation, as far as a process can have it."""
        if self.cv is None or factor == 1:
            return self
        return replace(self, cv=min(max(self.cv * factor, MIN_CV), MAX_CV))


class Source(NamedTuple):
    """One stream of arrivals: the name of its random stream, its process, its rate in requests per second, its clock.

    clock: by which the process runs, where that is not the wall's. lead: how many gaps of average length have passed
    before; without one, the process begins as if somebody had come just then.
    """

    stream_name: str
    arrival: Arrival
    rate: float
    clock: Clock | None = None
    lead: int = 0

    def expected(self, horizon_us: float) -> float:
        """How many arrivals come before the horizon, on average."""
        seconds = horizon_us / 1e6
        return self.rate * (seconds if self.clock is None else float(self.clock.passed_s(seconds)))


def merged_arrivals(
    sources: Sequence[Source], seed: int, n: int | None, horizon_us: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The first `n` arrivals before `horizon_us` of all sources: ([m] times in µs, [m] index of the source).

    n None: as many as come before the horizon. Each source is an endless sequence that depends on its own
    name and the seed alone; equal times are in the order of the sources.
    Raises InputError if times would grow beyond MAX_TIME_US or requests beyond MAX_REQUESTS.
    """
    expected = [source.expected(horizon_us) for source in sources]
    total_expected = total(expected)
    wanted = min(total_expected, math.inf if n is None else n)
    if wanted > MAX_REQUESTS:
        raise InputError(f"about {wanted:.3g} requests before the horizon; at most {MAX_REQUESTS} fit in a table")
    # Enough in nearly all cases; where it is not, more of the same sequence is drawn.
    counts = [
        0 if source.clock is not None and some == 0 else int(1.1 * wanted * some / (total_expected or 1)) + 64
        for source, some in zip(sources, expected, strict=True)
    ]
    while True:
        drawn = [_times_us(source, seed, count) for source, count in zip(sources, counts, strict=True)]
        merged = np.concatenate([times for times, _ in drawn])
        end = horizon_us - 1
        if n is not None and len(merged) >= n:
            end = min(end, int(_nth(merged, n, len(sources))))
        if all(reach >= end for _, reach in drawn):
            break
        counts = [2 * count if reach < end else count for count, (_, reach) in zip(counts, drawn, strict=True)]
    index = np.repeat(np.arange(len(sources), dtype=np.int32), [len(times) for times, _ in drawn])
    if len(sources) > 1:
        order = np.argsort(merged, kind="stable")
        merged, index = merged[order], index[order]
    last = min(int(np.searchsorted(merged, horizon_us)), len(merged) if n is None else n)
    return merged[:last], index[:last]


def _times_us(source: Source, seed: int, count: int) -> tuple[NDArray[np.int64], float]:
    """The first `count` arrivals of one source, or fewer if its clock stops, and until when there are no others."""
    if count == 0:
        return np.zeros(0, np.int64), math.inf
    times = Times(source, stream(seed, source.stream_name))
    return times.more(count + 4 * source.lead), times.reach_us


def _nth(merged: NDArray[np.int64], n: int, sources: int) -> np.int64:
    """The n-th of the times, which one source alone gives in order."""
    return merged[n - 1] if sources == 1 else np.partition(merged, n - 1)[n - 1]


class Times:
    """The arrivals of one source, in order, some at a time: sums of gaps, rounded, at least 1 µs apart; never at 0."""

    def __init__(self, source: Source, random: np.random.Generator) -> None:
        """random: the source's stream, from its beginning."""
        self._source, self._random = source, random
        self._drawn, self._passed = 0, 0.0  # gaps so far, and their sum
        self._number, self._pushed_us = 0, 0  # arrivals so far, and how far the latest lies behind its number
        self.reach_us = 0.0  # until when all are known

    def more(self, gaps: int) -> NDArray[np.int64]:
        """The arrivals after so many more gaps: fewer if the clock stops, and those of a lead are none."""
        drawn = self._source.arrival.gaps(self._random, gaps, self._drawn)
        times = np.cumsum(np.concatenate(([self._passed], drawn)))[1:]
        self._drawn, self._passed = self._drawn + gaps, float(times[-1]) if gaps else self._passed
        if self._source.lead:
            times = times[times > self._source.lead] - self._source.lead
        if len(times) == 0:
            return np.zeros(0, np.int64)
        times, ends = self._by_clock(times)
        found = self._apart(times)
        self.reach_us = math.inf if ends else float(found[-1])
        return found

    def _by_clock(self, times: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
        """The same in µs of the wall's clock, and whether there are no more."""
        source, ends = self._source, False
        with np.errstate(over="ignore"):
            if source.clock is None:
                times *= 1e6 / source.rate if source.rate > 0 else math.inf
            else:
                times = np.floor(1e6 * source.clock.wall_s(times / source.rate))  # windows leave out their end
                ends = bool(times[-1] == math.inf)
                times = times[times < math.inf]
        if source.arrival.every_s is not None:
            times = np.ceil(times / (1e6 * source.arrival.every_s)) * (1e6 * source.arrival.every_s)
        if len(times) and not times[-1] < MAX_TIME_US:
            raise InputError(f"a rate of {source.rate:g} requests per second puts arrivals beyond {MAX_TIME_US} µs")
        return times, ends

    def _apart(self, times: NDArray[np.float64]) -> NDArray[np.int64]:
        """Whole µs. Rounding the sums, not the gaps, keeps the mean exact; the running maximum keeps gaps of 1."""
        number = np.arange(self._number + 1, self._number + len(times) + 1)
        found = np.rint(times).astype(np.int64)
        found -= number
        np.maximum(found, self._pushed_us, out=found)
        found = np.maximum.accumulate(found)
        if len(found):
            self._number, self._pushed_us = int(number[-1]), int(found[-1])
        return found + number
