"""Signs that something is wrong with a run although it finished: requests overtaken, instances overloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blis.config import Compat, Scenario
from blis.engine.build.order import static_priority
from blis.evaluation.detectors.imbalance import hol_blocking, imbalance, waiting_over_time
from blis.evaluation.detectors.inversions import Inversions, priority_inversions, slower_than_later
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


@dataclass(frozen=True)
class Anomalies:
    """Counts of one run; with compat's original_detectors the original's, which mean something else."""

    inversions: Inversions
    imbalanced_instances: int
    busiest_over_mean: float  # busy time of the busiest instance / mean

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "priority_inversions": self.inversions.pairs,
            "priority_inverted_share": self.inversions.share,
            "imbalanced_instances": self.imbalanced_instances,
            "busiest_over_mean": self.busiest_over_mean,
        }


def find_anomalies(scenario: Scenario, table: RequestTable, result: ResultTable, compat: Compat) -> Anomalies:
    """Look for all of them."""
    uneven = imbalance(result, waiting_over_time(result))
    if not compat.original_detectors:
        found = priority_inversions(result, static_priority(scenario, table, result.arrival_us))
        return Anomalies(found, uneven.instances, uneven.busiest_over_mean)
    if scenario.instance.priority == "constant":
        return Anomalies(Inversions(0, 0, 0), hol_blocking(result), uneven.busiest_over_mean)
    return Anomalies(slower_than_later(table, result), hol_blocking(result), uneven.busiest_over_mean)
