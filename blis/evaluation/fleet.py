"""How many instances a run had, and for how long (docs/autoscaling.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.ratios import US_PER_S
from blis.tables.records import GONE, LOADING, READY, STATES
from blis.tables.results import ResultTable

Ints = NDArray[np.int64]


def instances_over_time(result: ResultTable) -> tuple[Ints, Ints]:
    """From which instants on how many instances there were, loading, serving or draining; the first is the start."""
    first = np.array([result.start_us])
    if result.fleet is None:
        return first, np.array([len(result.instances)])
    time_us, state = result.fleet["time_us"], result.fleet["state"]
    comes = (state == LOADING).astype(np.int64) - (state == GONE)
    comes[: np.count_nonzero(_at_start(result))] = 1
    return np.concatenate([first, time_us]), np.concatenate([[0], np.cumsum(comes)])


def instance_us(result: ResultTable) -> int:
    """What was paid for: the time from the start of each instance until it was gone, or the run ended."""
    time_us, count = instances_over_time(result)
    return int(np.dot(count, np.diff(time_us, append=max(result.end_us, result.start_us))))


def instance_us_of_requests(result: ResultTable) -> NDArray[np.float64]:
    """[n] what was paid from the arrival of each request until the next one came; nothing for the last.

    So what comes after the last arrival, where the table ends and not the traffic, counts for nobody.
    """
    time_us, count = instances_over_time(result)
    spent = np.concatenate([[0], np.cumsum(count[:-1] * np.diff(time_us))])
    at = np.searchsorted(time_us, result.arrival_us, side="right") - 1
    return _until_next(result, spent[at] + count[at] * (result.arrival_us - time_us[at]))


def us_of_requests(result: ResultTable) -> NDArray[np.float64]:
    """[n] the time from the arrival of each request until the next one came; nothing for the last."""
    return _until_next(result, result.arrival_us)


def _until_next(result: ResultTable, at_arrival: Ints) -> NDArray[np.float64]:
    """[n] by how much a number grows from each arrival to the next. at_arrival: [n] what it is then."""
    found = np.zeros(len(result))
    came = np.flatnonzero(result.arrival_us >= 0)
    order = came[np.argsort(result.arrival_us[came], kind="stable")]
    found[order[:-1]] = np.diff(at_arrival[order])
    return found


def absences(result: ResultTable, present: Sequence[int]) -> list[tuple[int, int, int]]:
    """When instances are in none of these states from the start on: instance, from, to before."""
    if result.fleet is None:
        return []
    found, away_us = [], dict.fromkeys(range(len(result.instances)), result.start_us)
    for time_us, instance, state in result.fleet.tolist():
        if state not in present:
            away_us.setdefault(instance, time_us)
        elif (from_us := away_us.pop(instance, time_us)) < time_us:
            found.append((instance, from_us, time_us))
    never_us = int(np.iinfo(np.int64).max)
    return [*found, *((instance, from_us, never_us) for instance, from_us in away_us.items())]


def fleet_metrics(result: ResultTable) -> dict[str, Any]:
    """Plain numbers for JSON, and who came and went when; nothing where nobody may."""
    if result.fleet is None:
        return {}
    state, whole_us = result.fleet["state"], instance_us(result)
    return {
        "instance_seconds": whole_us / US_PER_S,
        "mean_instances": whole_us / max(result.duration_us, 1),
        "instances_started": int(np.count_nonzero(state == LOADING)),
        "instances_gone": int(np.count_nonzero(state == GONE)),
        "fleet": [
            {"time_s": time_us / US_PER_S, "instance": instance, "state": STATES[code]}
            for time_us, instance, code in result.fleet.tolist()
        ],
    }


def _at_start(result: ResultTable) -> NDArray[np.bool_]:
    """Of the rows of the time line those that say who serves at the start: ready without having loaded."""
    assert result.fleet is not None
    ready = result.fleet["state"] == READY
    return np.logical_and.accumulate(ready & (result.fleet["time_us"] == result.start_us))
