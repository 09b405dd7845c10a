"""Latencies in milliseconds beside the scores: what `blis run` prints for the same policy and table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from blis.config import Scenario
from blis.evaluation.metrics import compute_metrics
from blis.policies.bundle import PolicyBundle
from blis.scenario import apply_bundle
from blis.tables.requests import RequestTable
from search.problem.problem import Problem, Simulate
from search.problem.traffic import TableKey
from search.workers import Workers

#: Keys of `blis run`'s JSON.
MEASURED = (
    "completed_requests",
    "ttft_mean_ms",
    "ttft_p99_ms",
    "tpot_mean_ms",
    "e2e_mean_ms",
    "e2e_p99_ms",
    "prompt_hit_rate",
)
Measures = dict[str, float]


def measure(problem: Problem, policy: PolicyBundle, tables: Sequence[TableKey], workers: Workers) -> list[Measures]:
    """The measured numbers of a policy on each table."""
    scenario = apply_bundle(problem.scenario, policy)
    return list(workers.map(_measure_one, [(problem.simulate, scenario, problem.table(key)) for key in tables]))


def mean_of(measures: Sequence[Measures]) -> Measures:
    """The mean of each number over tables."""
    return {key: fmean(found[key] for found in measures) for key in MEASURED}


def _measure_one(simulate: Simulate, scenario: Scenario, table: RequestTable) -> Measures:
    found = compute_metrics(scenario, table, simulate(scenario, table)).to_dict()
    return {key: found[key] for key in MEASURED}
