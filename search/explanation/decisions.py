"""Three requests that the policy found sends elsewhere than the primary baseline, and how each of the two saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.distribution import US_PER_MS
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.problem.traffic import TableKey

#: What is told of an instance: the word for it, and the field of a kept decision.
_SEEN = {
    "score": "score",
    "waiting": "queue_depth",
    "running": "batch_size",
    "pending": "pending",
    "kv_utilization": "kv_utilization",
}


@dataclass(frozen=True)
class Decision:
    """A request and what either policy did with it.

    why: why it is told. instances: what the router saw of each instance that the request could go to, under the policy
    found and under the primary baseline; chosen: where it went. e2e_ms: None of a request that was not completed.
    """

    why: str
    request_id: str
    arrival_s: float
    input_tokens: int
    slo_class: str
    chosen: int
    primary_chosen: int
    e2e_ms: float | None
    primary_e2e_ms: float | None
    instances: dict[int, dict[str, float]]
    primary_instances: dict[int, dict[str, float]]


def decisions(policy: Policy, problem: Problem, key: TableKey) -> list[Decision]:
    """The first request of a table that goes elsewhere, the one that gains most, and the one that loses most."""
    table = problem.table(key)
    found, primary = (
        simulate(problem.scenario_on(one, key), table, observe=Observe(decisions=True))
        for one in (policy, problem.against)
    )
    other = np.flatnonzero((found.instance != primary.instance) & (found.instance >= 0) & (primary.instance >= 0))
    if len(other) == 0:
        return []
    both = other[(found.status[other] == COMPLETED) & (primary.status[other] == COMPLETED)]
    told = {"the first that goes elsewhere": int(other[0])}
    if len(both):
        gain_us = primary.e2e_us[both] - found.e2e_us[both]
        told["the one that gains most"] = int(both[np.argmax(gain_us)])
        told["the one that loses most"] = int(both[np.argmin(gain_us)])
    return [_decision(why, row, table, found, primary) for why, row in told.items()]


def _decision(why: str, row: int, table: RequestTable, found: ResultTable, primary: ResultTable) -> Decision:
    return Decision(
        why,
        table.request_id(row),
        float(found.arrival_us[row] / 1e6),
        int(table.input_tokens[row]),
        table.slo_names[table.slo_class[row]],
        int(found.instance[row]),
        int(primary.instance[row]),
        _e2e_ms(found, row),
        _e2e_ms(primary, row),
        _seen(found, row),
        _seen(primary, row),
    )


def _e2e_ms(result: ResultTable, row: int) -> float | None:
    return float(result.e2e_us[row] / US_PER_MS) if result.status[row] == COMPLETED else None


def _seen(result: ResultTable, row: int) -> dict[int, dict[str, float]]:
    """What the router saw of the instances that the request could go to, before the request was added."""
    assert result.decisions is not None  # asked for
    view: Any = result.decisions[row]
    return {
        int(j): {word: float(view[j][field]) for word, field in _SEEN.items()} for j in np.flatnonzero(view["eligible"])
    }
