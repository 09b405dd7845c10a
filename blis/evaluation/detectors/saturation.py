"""Whether a cluster kept up: stable, backlogged (its queue never clears), or overloaded (it grows with time).

The idea is that of rate stability (El-Taha and Stidham, Sample-Path Analysis of Queueing Systems, 1999): a system
keeps up if the number in it, divided by time, goes to zero. A run is finite, so growth must be beyond what chance
does to block means (Law, Simulation Modeling and Analysis, on batch means), and a queue that does not grow but is
never empty either has a name of its own: that is a cluster within a few per cent of its capacity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.evaluation.grouping import rows_by_instance
from blis.evaluation.ratios import US_PER_S
from blis.evaluation.stays import longest_steps_us, stays
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, LOST, NOT_ARRIVED, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

STABLE, BACKLOGGED, OVERLOADED = "stable", "backlogged", "overloaded"

GROWTH = 0.05  # overloaded: more than this share of the arriving requests is left behind …
BLOCKS = 10  # … with 99 % confidence from the growth in so many equal blocks of time
T_99 = 2.821  # one-sided, of Student's t with BLOCKS - 1 degrees of freedom
NEVER_CLEARS = 0.95  # backlogged: somebody is held back for this share of the time or more
MIN_ARRIVALS = 50  # in the second half of the arrivals; fewer allow no verdict
EARLY = 0.1  # share of the requests that tell how long the cluster takes to fill up

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Saturation:
    """The verdict, None if the run is too short for one, and what it rests on.

    Everything is about requests that got in (not rejected, dropped, lost or abandoned) and about the second half of the
    time from the first of their arrivals to the last. growth_share: growth of the number in the system / arrivals; an
    M/M/1 queue of load r > 1 has 1 - 1/r. growth_low: its lower 99 % bound. held_back_share: the share of that
    time in which somebody waited although his instance had begun a step since he came; the worst instance's.
    in_system: number in the system at the last arrival. drain_us: from there to the last completion, None if
    something was left over at the horizon.
    """

    verdict: str | None
    growth_share: float = 0.0
    growth_low: float = 0.0
    held_back_share: float = 0.0
    in_system: int = 0
    drain_us: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "saturation": self.verdict,
            "backlog_growth_share": self.growth_share,
            "backlog_growth_share_low": self.growth_low,
            "held_back_share": self.held_back_share,
            "in_system_at_last_arrival": self.in_system,
            "drain_s": None if self.drain_us is None else self.drain_us / US_PER_S,
        }


def saturation(scenario: Scenario, table: RequestTable, result: ResultTable) -> Saturation:
    """Judge a run.

    Overloaded: growth_share > GROWTH and growth_low > 0. Else backlogged: held_back_share >= NEVER_CLEARS. Else
    stable. No verdict with fewer than MIN_ARRIVALS arrivals in the second half, or if the cluster may still have
    been filling up when it began: 95 % of the earliest tenth of requests must have been done in half the time.
    """
    inside = ~np.isin(result.status, (NOT_ARRIVED, REJECTED, DROPPED, LOST, ABANDONED))
    if not inside.any():
        return Saturation(None)
    first_us, last_us = int(result.arrival_us[inside].min()), int(result.arrival_us[inside].max())
    done = result.status[inside] == COMPLETED
    middle_us = (first_us + last_us) // 2
    edges_us = np.linspace(middle_us, last_us, BLOCKS + 1)
    arrivals = _upto(result.arrival_us[inside], edges_us)
    departed_us = result.completed_us[inside & (result.status == COMPLETED)]
    in_system = arrivals - _upto(departed_us, edges_us)
    drain_us = int(departed_us[-1]) - last_us if done.all() else None
    count = int(arrivals[-1] - arrivals[0])
    if count < MIN_ARRIVALS or not _filled(result.e2e_us[inside], last_us - middle_us):
        return Saturation(None, in_system=int(in_system[-1]), drain_us=drain_us)
    growth = np.diff(in_system)
    error = T_99 * float(growth.std(ddof=1)) * BLOCKS**0.5
    share, low = float(growth.sum()) / count, (float(growth.sum()) - error) / count
    held_back = _held_back_share(scenario, table, result, inside, (middle_us, last_us))
    verdict = STABLE
    if share > GROWTH and low > 0:
        verdict = OVERLOADED
    elif held_back >= NEVER_CLEARS:
        verdict = BACKLOGGED
    return Saturation(verdict, share, low, held_back, int(in_system[-1]), drain_us)


def _upto(times_us: Ints, edges_us: NDArray[np.float64]) -> Ints:
    """[edges] how many lie up to each. The times are sorted in place."""
    times_us.sort()
    return np.searchsorted(times_us, edges_us, side="right")


def _filled(e2e_us: Ints, half_us: int) -> bool:
    """Whether nearly all requests that came early were gone after half the time."""
    early = e2e_us[: max(int(EARLY * len(e2e_us)), 1)]
    return float(np.mean((early >= 0) & (early <= half_us))) >= 0.95


def _held_back_share(
    scenario: Scenario,
    table: RequestTable,
    result: ResultTable,
    inside: NDArray[np.bool_],
    window_us: tuple[int, int],
) -> float:
    """Share of the window in which a request waits for longer than it must; of the instance where it is largest.

    It must wait for the control plane, for its way into the queue, and for the end of one step: the longest of
    its instance. Waiting at the gateway counts for the instance it is sent to in the end. Where its prompt is computed
    elsewhere it waits there and here, and not while it is computed or its KV is on the way.
    """
    longest_us = longest_steps_us(result)
    alpha = np.array([replica.instance.latency_model.alpha[:2] for replica in scenario.replicas] + [(0.0, 0.0)])
    control_us = scenario.cluster.admission.latency_us + scenario.cluster.routing.latency_us
    held: dict[int, list[tuple[Ints, Ints]]] = {}
    for stay in stays(result, control_us):
        for rows in rows_by_instance(stay.instance, inside & (stay.came_us >= 0)):
            instance = int(stay.instance[rows[0]])
            queueing_us = (alpha[instance, 0] + alpha[instance, 1] * table.input_tokens[rows]).astype(np.int64)
            start_us = stay.came_us[rows] + stay.ahead_us + queueing_us + longest_us[instance]
            end_us = np.where(stay.taken_us[rows] >= 0, stay.taken_us[rows], window_us[1])
            times = np.maximum(start_us, window_us[0]), np.minimum(end_us, window_us[1])
            held.setdefault(instance, []).append(times)
    held_us = [_union_us(*map(np.concatenate, zip(*times, strict=True))) for times in held.values()]
    return max(held_us, default=0) / (window_us[1] - window_us[0])


def _union_us(start_us: Ints, end_us: Ints) -> int:
    """The length of a union of intervals; those that end before they start are empty."""
    full = start_us < end_us
    start_us, end_us = start_us[full], end_us[full]
    if not len(start_us):
        return 0
    order = np.argsort(start_us, kind="stable")
    start_us, reached_us = start_us[order], np.maximum.accumulate(end_us[order])
    begin_us = np.maximum(start_us, np.concatenate([start_us[:1], reached_us[:-1]]))
    return int(np.maximum(reached_us - begin_us, 0).sum())
