"""What a latency model's uncertainty does to the figures of a run: every member of its ensemble simulated."""

from __future__ import annotations

from blis.config import Compat, Scenario
from blis.engine.run import simulate
from blis.evaluation.metrics import compute_metrics
from blis.scenario import member_scenario
from blis.tables.requests import RequestTable

#: The figures whose range is told.
FIGURES = ("ttft_mean_ms", "ttft_p99_ms", "itl_mean_ms", "itl_p99_ms", "e2e_mean_ms", "e2e_p99_ms", "tokens_per_sec")


def ensemble_ranges(scenario: Scenario, requests: RequestTable, compat: Compat) -> dict[str, list[float]]:
    """Smallest, middle and largest of each figure over the members; nothing if there is no ensemble."""
    sizes = [replica.instance.latency_model.ensemble for replica in scenario.replicas]
    found = []
    for number in range(max(sizes)):
        member = member_scenario(scenario, number)
        found.append(compute_metrics(member, requests, simulate(member, requests, compat), None, compat).to_dict())
    ranges = {}
    for name in FIGURES:
        values = sorted(figures[name] for figures in found if figures.get(name) is not None)
        if values:
            ranges[name] = [values[0], values[len(values) // 2], values[-1]]
    return ranges
