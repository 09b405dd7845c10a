"""Running, waiting and KV use over time: what an engine said of itself against samples of a simulation.

An engine's own clock starts at some instant near the first arrival. Who was in flight when follows from the requests
themselves; the shift that makes both agree best is taken. Where an engine said nothing of itself, the requests say how
many ran and waited, if it is known when each was let in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from blis.calibration.compare import pearson
from blis.calibration.errors import Times
from blis.config import Scenario
from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording

Instants = NDArray[np.int64]

_FURTHEST_US, _SHIFT_STEP_US = 3_000_000, 10_000
_IMPLIED_INSTANTS = 500
_SAMPLES, _FINEST_US = 20_000, 1_000


@dataclass(frozen=True)
class Line:
    """[instants] one quantity."""

    recorded: Times
    simulated: Times

    @cached_property
    def correlation(self) -> float:
        """Pearson's r; NaN if either does not vary."""
        return pearson(self.recorded, self.simulated)

    @cached_property
    def mean_absolute_error(self) -> float:
        """In requests, or as a share of the KV cache."""
        return float(np.abs(self.recorded - self.simulated).mean()) if len(self.recorded) else np.nan


@dataclass(frozen=True)
class Timelines:
    """Quantities at [instants] µs since the first arrival: `in_flight` always, others where they are known."""

    source: str  # who says what was: "the engine" or "the requests"
    shift_us: int  # first arrival on the engine's own clock
    time_us: Instants
    lines: Mapping[str, Line]


def sample_us(recording: Recording) -> int:
    """How often a simulation is to be sampled: finely enough for the recording's time."""
    return max(int(recording.completed_us.max()) // _SAMPLES, _FINEST_US)


def timelines(recording: Recording, scenario: Scenario, result: ResultTable, since_us: int = 0) -> Timelines:
    """Lines of a recording and a run of its requests that was sampled. since_us: leave out what was before."""
    moments = recording.timeline
    if moments is None or not len(moments):
        time_us = np.linspace(0, int(recording.completed_us.max()), _IMPLIED_INSTANTS).astype(np.int64)
        source, shift_us, recorded = "the requests", 0, _implied(recording, time_us)
    else:
        shift_us = best_shift_us(recording, moments)
        time_us = moments["time_us"] - shift_us
        source, recorded = "the engine", _said(recording, moments, time_us)
    kept = time_us >= since_us
    simulated = _simulated(scenario, result, time_us)
    lines = {name: Line(values[kept], simulated[name][kept]) for name, values in recorded.items()}
    return Timelines(source, shift_us, time_us[kept], lines)


def in_flight(recording: Recording, time_us: Instants) -> Times:
    """[instants] requests that had come and were not completed."""
    return _so_far(recording.requests.arrival_us, time_us) - _so_far(recording.completed_us, time_us)


def best_shift_us(recording: Recording, moments: NDArray[np.void]) -> int:
    """The first arrival on the clock of the engine's moments, within 3 s: the nearest to 0 of those that fit best."""
    said = moments["running"] + moments["waiting"]
    shifts = np.arange(-_FURTHEST_US, _FURTHEST_US + 1, _SHIFT_STEP_US)
    shifts = shifts[np.argsort(np.abs(shifts), kind="stable")]
    misfit = [np.abs(said - in_flight(recording, moments["time_us"] - shift)).sum() for shift in shifts]
    return int(shifts[int(np.argmin(misfit))])


def _said(recording: Recording, moments: NDArray[np.void], time_us: Instants) -> dict[str, Times]:
    """What the engine said; a KV use of 0 throughout is none."""
    names = ("running", "waiting", *(("kv_share",) if moments["kv_share"].any() else ()))
    return {**{name: moments[name] for name in names}, "in_flight": in_flight(recording, time_us)}


def _implied(recording: Recording, time_us: Instants) -> dict[str, Times]:
    """What follows from the requests; who was preempted counts as running."""
    present = in_flight(recording, time_us)
    if recording.scheduled_us is None:
        return {"in_flight": present}
    running = _so_far(recording.scheduled_us, time_us) - _so_far(recording.completed_us, time_us)
    return {"running": running, "waiting": present - running, "in_flight": present}


def _simulated(scenario: Scenario, result: ResultTable, time_us: Instants) -> dict[str, Times]:
    """The same of the latest sample at each instant, over all instances; nothing before the first and after the end."""
    samples = result.samples
    assert samples is not None, "the run must be sampled"
    at = np.searchsorted(samples["time_us"][:, 0], time_us, side="right") - 1
    outside = (at < 0) | (time_us > result.end_us)
    sums = {name: samples[name].sum(axis=1)[at] for name in ("batch_size", "queue_depth", "pending", "used_blocks")}
    running, waiting, coming, blocks = (np.where(outside, 0.0, values) for values in sums.values())
    capacity = sum(replica.instance.kv.blocks for replica in scenario.replicas)
    held = waiting + coming
    return {"running": running, "waiting": held, "kv_share": blocks / capacity, "in_flight": running + held}


def _so_far(times_us: NDArray[np.int64], time_us: Instants) -> Times:
    """[instants] how many of these times have come."""
    return np.searchsorted(np.sort(times_us), time_us, side="right").astype(np.float64)
