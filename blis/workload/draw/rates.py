"""Rates that change in time: stages, days, spikes, windows; a clock runs fast, slow or not at all.

A process of arrivals runs by a clock of its own: where the factor on its rate is 2, the clock goes twice as fast, and
so do the arrivals, which keep their burstiness; where it is 0, the clock stands still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_TIME_US
from blis.errors import InputError, check_integer, check_number

HOURS = 24
STEPS_A_DAY = 1440  # a day's curve is a staircase: of minutes, if the day has 24 hours
_MAX_S = MAX_TIME_US / 1e6
MAX_DAYS = 1000  # with a curve of their own, before nothing but the day's is left


@dataclass(frozen=True)
class Stage:
    """A factor on the rate, for so long; the next stage follows.

    cv_factor: on the gaps' coefficient of variation; left out = 1.
    """

    duration_s: float
    factor: float
    cv_factor: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_number("duration_s", self.duration_s, 0, _MAX_S, above=0)
        check_number("factor", self.factor, 0, 1e6)
        if self.cv_factor is not None:
            check_number("cv_factor", self.cv_factor, 0, 1e6, above=0)


@dataclass(frozen=True)
class Spike:
    """A factor on top of all others, from `start_s` on for so long."""

    start_s: float
    duration_s: float
    factor: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_number("start_s", self.start_s, 0, _MAX_S)
        check_number("duration_s", self.duration_s, 0, _MAX_S, above=0)
        check_number("factor", self.factor, 0, 1e6)


@dataclass(frozen=True)
class Diurnal:
    """A day's curve, again and again: cosines from peak to trough and back, with a mean of 1 over the day.

    peak_hours: in order, within [0, 24); the workload starts at hour 0. The trough lies half-way between two peaks.
    peak_to_trough_ratio: the highest rate over the lowest. period_s: what the day lasts; an hour is a 24th of it.
    """

    peak_hours: tuple[float, ...]
    peak_to_trough_ratio: float
    period_s: float = 86400.0

    def __post_init__(self) -> None:
        """Check the ranges and the order."""
        if not self.peak_hours:
            raise InputError("peak_hours: a day needs a peak")
        for i, hour in enumerate(self.peak_hours):
            check_number(f"peak_hours[{i}]", hour, 0, HOURS, above=self.peak_hours[i - 1] if i else None)
            if hour == HOURS:
                raise InputError(f"peak_hours[{i}] must be below 24, got 24: it is hour 0 of the next day")
        check_number("peak_to_trough_ratio", self.peak_to_trough_ratio, 1, 1e6)
        check_number("period_s", self.period_s, 1e-3, _MAX_S)

    def factor(self, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n] factors at times of the workload."""
        hour = time_s / self.period_s * HOURS % HOURS
        peaks = np.array([self.peak_hours[-1] - HOURS, *self.peak_hours, self.peak_hours[0] + HOURS])
        after = np.searchsorted(peaks, hour, side="right")
        share = (hour - peaks[after - 1]) / (peaks[after] - peaks[after - 1])  # of the way from peak to peak
        trough = 2 / (1 + self.peak_to_trough_ratio)
        return trough + (2 - 2 * trough) * (1 + np.cos(2 * np.pi * share)) / 2


@dataclass(frozen=True)
class RateOverTime:
    """Factors on a rate, which multiply. stages: after the last one nothing comes."""

    stages: tuple[Stage, ...] = ()
    diurnal: Diurnal | None = None
    spikes: tuple[Spike, ...] = ()

    def __post_init__(self) -> None:
        """Check that spikes come before the end of the stages."""
        end_s = sum(stage.duration_s for stage in self.stages)
        for i, spike in enumerate(self.spikes):
            if self.stages and spike.start_s >= end_s:
                raise InputError(f"spikes[{i}].start_s: {spike.start_s:g}, but the stages end at {end_s:g} s")

    def of_any_process(self) -> RateOverTime:
        """Without what only some processes can follow."""
        return replace(self, stages=tuple(replace(stage, cv_factor=None) for stage in self.stages))

    def parts(self) -> list[tuple[float, RateOverTime]]:
        """What follows one another in time, each with its factor on the variation of gaps: one where none has its own.

        Every part is as long as the whole, and still where it is not its turn.
        """
        if all(stage.cv_factor is None for stage in self.stages):
            return [(1.0, self)]
        return [
            (stage.cv_factor or 1.0, replace(self, stages=tuple(_only(other, other is stage) for other in self.stages)))
            for stage in self.stages
        ]


def _only(stage: Stage, turn: bool) -> Stage:
    """The stage if it is its turn, else as long without arrivals."""
    return Stage(stage.duration_s, stage.factor if turn else 0.0)


@dataclass(frozen=True)
class ActiveWindow:
    """A client is there from `start_us` until just before `end_us`."""

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        """Check the order."""
        check_integer("start_us", self.start_us, 0, MAX_TIME_US)
        check_integer("end_us", self.end_us, self.start_us + 1, MAX_TIME_US)


@dataclass(frozen=True)
class Lifecycle:
    """When a client is there, at its full rate; never, without windows."""

    windows: tuple[ActiveWindow, ...] = ()


class Clock:
    """What a clock shows at wall times: straight lines between points, then the last period again and again."""

    def __init__(self, wall_s: NDArray[np.float64], factor: NDArray[np.float64], period_s: float) -> None:
        """wall_s: [k + 1] times from 0 on, ascending; factor: [k] how fast it goes between them; period_s: 0 = none."""
        self._wall = wall_s
        self._shown = np.concatenate(([0.0], np.cumsum(factor * np.diff(wall_s))))
        self._period = period_s
        before = float(np.interp(wall_s[-1] - period_s, wall_s, self._shown))
        self._shown_a_period = float(self._shown[-1]) - before

    @property
    def stops(self) -> bool:
        """Whether it stands still for ever from some time on."""
        return self._shown_a_period == 0

    def passed_s(self, wall_s: float) -> float:
        """What it shows then."""
        periods = math.ceil(max(0.0, wall_s - self._wall[-1]) / self._period) if self._period else 0
        inside = np.interp(wall_s - periods * self._period, self._wall, self._shown)
        return float(inside) + periods * self._shown_a_period

    def wall_s(self, shown_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """[n] when it shows so much and goes on; infinite where it never does."""
        if self.stops:
            return np.where(shown_s < self._shown[-1], np.interp(shown_s, self._shown, self._wall), math.inf)
        over = np.maximum(shown_s - self._shown[-1], 0.0)
        periods = np.ceil(over / self._shown_a_period)
        inside = np.interp(shown_s - periods * self._shown_a_period, self._shown, self._wall)
        return inside + periods * self._period


def make_clock(rates: RateOverTime | None, lifecycle: Lifecycle | None) -> Clock | None:
    """The clock of a source; None if it is the wall's. Raises InputError for too many days of a curve."""
    if rates is None and lifecycle is None:
        return None
    rates = rates or RateOverTime()
    wall, period_s = _points(rates, lifecycle)
    middle = (wall[1:] + wall[:-1]) / 2
    factor = np.ones(len(middle))
    if rates.stages:
        ends = np.cumsum([stage.duration_s for stage in rates.stages])
        factors = np.array([*(stage.factor for stage in rates.stages), 0.0])
        factor *= factors[np.searchsorted(ends, middle, side="right")]
    if rates.diurnal is not None:
        factor *= rates.diurnal.factor(middle)
    for spike in rates.spikes:
        factor[(middle >= spike.start_s) & (middle < spike.start_s + spike.duration_s)] *= spike.factor
    if lifecycle is not None:
        active = np.zeros(len(middle), bool)
        for window in lifecycle.windows:
            active |= (middle * 1e6 >= window.start_us) & (middle * 1e6 < window.end_us)
        factor *= active
    return Clock(wall, factor, period_s)


def _points(rates: RateOverTime, lifecycle: Lifecycle | None) -> tuple[NDArray[np.float64], float]:
    """The times at which a rate changes, 0 first, and the period that follows the last one, 0 if nothing does."""
    edges = {0.0, *np.cumsum([stage.duration_s for stage in rates.stages]).tolist()}
    for spike in rates.spikes:
        edges |= {spike.start_s, spike.start_s + spike.duration_s}
    if lifecycle is not None:
        edges |= {time_us / 1e6 for window in lifecycle.windows for time_us in (window.start_us, window.end_us)}
    last = max(edges)
    ends = bool(rates.stages) or lifecycle is not None
    if rates.diurnal is None:
        return np.array(sorted(edges | {last + 1.0})), 0.0 if ends else 1.0
    period_s = rates.diurnal.period_s
    days = math.ceil(last / period_s)
    if days > MAX_DAYS:
        raise InputError(
            f"stages, spikes or windows until {last:g} s, {days} days of {period_s:g} s: at most {MAX_DAYS}"
        )
    edges |= set((np.arange((days + 1) * STEPS_A_DAY + 1) * (period_s / STEPS_A_DAY)).tolist())
    return np.array(sorted(edges)), 0.0 if ends else period_s
