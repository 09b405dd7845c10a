"""The rate at which a policy saturates: the first whole number of requests per second with TTFT p99 >= 1 s.

    python -m experiments.saturation                        the default problem under its primary baseline
    python -m experiments.saturation workload=chat_bursty   any override of the main job

8,000 requests, p99 over the rows that the fitness scores, one rate per seed of the stream `pool/saturation`,
and the median of 4 seeds. The default workload's rate is 0.7 times that figure (default-problem.md section 1).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import median

import numpy as np

from blis.config import Scenario
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle
from blis.scenario import apply_bundle
from blis.workload.pools import SATURATION_POOL, pool_seed
from search.problem import Problem
from search.settings import EXIT_INPUT, compose_settings

SEEDS = 4
REQUESTS = 8_000
LIMIT_US = 1_000_000
HIGHEST_RATE = 1_000  # requests per second; a search for more than that has gone wrong


def saturation_rate(problem: Problem, policy: PolicyBundle, seed: int) -> int:
    """The first rate, in steps of 1 request per second from 1, at which the table of `seed` saturates.

    Every step is run: p99 need not grow with the rate, so a bisection could find a later one.
    """
    scenario = apply_bundle(problem.scenario, policy)
    for rate in range(1, HIGHEST_RATE + 1):
        if ttft_p99_us(problem, scenario, rate, seed) >= LIMIT_US:
            return rate
    raise InputError(f"TTFT p99 stays below 1 s up to {HIGHEST_RATE} requests per second")


def ttft_p99_us(problem: Problem, scenario: Scenario, rate: int, seed: int) -> float:
    """TTFT p99 in µs over the middle 80 % of the rows; a request that was not served counts as infinitely late."""
    workload = replace(problem.workload, aggregate_rate=float(rate), num_requests=REQUESTS)
    result = problem.simulate(scenario, problem.make_table(workload, seed))
    n = len(result)
    ttft_us = result.ttft_us[n // 10 : 9 * n // 10].astype(np.float64)
    return float(np.percentile(np.where(ttft_us < 0, np.inf, ttft_us), 99, method="higher"))


def main(overrides: list[str]) -> int:
    """Print the rate of every seed and the median."""
    try:
        settings = compose_settings(overrides)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    problem, policy = settings.problem, settings.problem.baseline
    seeds = [pool_seed(problem.workload.seed, SATURATION_POOL, i) for i in range(SEEDS)]
    rates = list(settings.workers.map(saturation_rate, [(problem, policy, seed) for seed in seeds]))
    for i, rate in enumerate(rates):
        print(f"seed {i}: {rate} requests per second")
    middle = median(rates)
    print(f"{settings.primary} saturates at {middle:g} requests per second (median); 0.7 of it is {0.7 * middle:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
