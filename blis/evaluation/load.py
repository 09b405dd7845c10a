"""How loaded a cluster was: whether its policies had anything to decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.evaluation.fleet import instance_us
from blis.evaluation.ratios import per_s, ratio
from blis.evaluation.stays import longest_steps_us, stays
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class Load:
    """What came, what was done about it, and for how many that took longer than it must.

    instances: how many there were, in the mean over the time from the first arrival to the end of the run.
    utilisation: share of their time that they spent in steps. offered_per_s, served_per_s: arrivals and completions in
    the second half of the time from the first arrival to the last, when the cluster has filled up. waited_share: of all
    requests, those that waited for more than the step that ran when they came, or were not served.
    """

    instances: float
    utilisation: float
    offered_per_s: float
    served_per_s: float
    waited_share: float


def load_of(scenario: Scenario, table: RequestTable, result: ResultTable) -> Load:
    """The load of a run."""
    if not len(table):
        return Load(float(scenario.cluster.at_start), 0.0, 0.0, 0.0, 0.0)
    first_us, last_us = table.first_arrival_us, int(result.arrival_us.max())
    middle_us = (first_us + last_us) // 2
    busy_us, paid_us = int(result.instances["busy_us"].sum()), instance_us(result)
    return Load(
        instances=ratio(paid_us, result.end_us - first_us),
        utilisation=ratio(busy_us, paid_us),
        offered_per_s=per_s(_between(result.arrival_us, middle_us, last_us), last_us - middle_us),
        served_per_s=per_s(
            _between(result.completed_us[result.status == COMPLETED], middle_us, last_us), last_us - middle_us
        ),
        waited_share=float(_waited(scenario, table, result).mean()),
    )


def _between(times_us: NDArray[np.int64], start_us: int, end_us: int) -> int:
    """How many lie after the start and not after the end."""
    return int(np.count_nonzero((times_us > start_us) & (times_us <= end_us)))


def _waited(scenario: Scenario, table: RequestTable, result: ResultTable) -> NDArray[np.bool_]:
    """[n] whether a request was held at the gateway, waited for more than the longest step, or was not served."""
    longest_us = longest_steps_us(result)
    control_us = scenario.cluster.admission.latency_us + scenario.cluster.routing.latency_us
    waited: NDArray[np.bool_] = (result.routed_us - result.arrival_us > control_us) | (result.status != COMPLETED)
    for stay in stays(result, control_us):
        waited |= stay.taken_us - stay.queued_us > longest_us[stay.instance]
    return waited
