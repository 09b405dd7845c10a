"""Latencies in milliseconds beside the scores: what `blis run` prints for the same policy and table."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from blis.metrics import compute_metrics
from blis.policies.bundle import PolicyBundle
from blis.scenario import apply_bundle
from search.problem import Problem
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


def measure(problem: Problem, policy: PolicyBundle, seeds: Sequence[int], workers: Workers) -> list[Measures]:
    """The measured numbers of a policy on the table of each seed."""
    for seed in seeds:
        problem.table(seed)
    return list(workers.map(_measure_one, [(problem, policy, seed) for seed in seeds]))


def mean_of(measures: Sequence[Measures]) -> Measures:
    """The mean of each number over tables."""
    return {key: fmean(found[key] for found in measures) for key in MEASURED}


def _measure_one(problem: Problem, policy: PolicyBundle, seed: int) -> Measures:
    scenario, table = apply_bundle(problem.scenario, policy), problem.table(seed)
    found = compute_metrics(scenario, table, problem.simulate(scenario, table)).to_dict()
    return {key: found[key] for key in MEASURED}
