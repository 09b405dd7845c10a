"""How many requests kept a promise: as a share of those that were answered, and of all that were offered.

Of those answered alone is what the original reports; shedding load raises it. Of those offered, a request that
was rejected, dropped, lost or left unfinished has not been served as promised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.evaluation.distribution import US_PER_MS
from blis.evaluation.ratios import ratio
from blis.evaluation.slo import class_label
from blis.tables.records import NOT_ARRIVED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Attainment:
    """Requests that met a target, that have an answer to be judged, and that arrived."""

    met: int
    answered: int
    offered: int

    @property
    def of_answered(self) -> float:
        """0 if nobody was answered."""
        return ratio(self.met, self.answered)

    @property
    def of_offered(self) -> float:
        """0 if nobody came."""
        return ratio(self.met, self.offered)


def attainment(result: ResultTable, met: Mask, answered: Mask, among: Mask | None = None) -> Attainment:
    """Count. met, answered: [n] of every request. among: [n] only these."""
    offered = result.status != NOT_ARRIVED
    if among is not None:
        offered = offered & among
    return Attainment(*(int(np.count_nonzero(rows & offered)) for rows in (met & answered, answered, offered)))


def ttft_attainment(
    scenario: Scenario, table: RequestTable, result: ResultTable, among: Mask | None = None
) -> Attainment:
    """Whether the first token came by the `ttft_ms` of the request's tier (`slo_tiers`, or the default of its name)."""
    target_us = np.array([scenario.tier(name).ttft_ms * US_PER_MS for name in table.slo_names])[table.slo_class]
    return attainment(result, result.ttft_us <= target_us, result.ttft_us >= 0, among)


def e2e_attainment(table: RequestTable, result: ResultTable, targets_us: Mapping[str, float]) -> Attainment:
    """The original's: whether E2E is within the target of the class; a class without one is always content.

    Requests without a class are of class `default`.
    """
    by_class = np.array([targets_us.get(class_label(name), np.inf) for name in table.slo_names])
    return attainment(result, result.e2e_us <= by_class[table.slo_class], result.e2e_us >= 0)
