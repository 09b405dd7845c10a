"""The rate at which a policy saturates: the first whole number of requests per second with TTFT p99 >= 1 s.

    python -m experiments.saturation                        the default problem under its primary baseline
    python -m experiments.saturation workload=chat_bursty   any override of the main job

8,000 requests, p99 over the rows that the fitness scores, one rate per seed of the stream `pool/saturation`,
and the median of 4 seeds. The default workload's rate is 0.7 times that figure (default-problem.md section 1).
The picture of TTFT p99 against the rate goes to outputs/experiments/saturation/.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from blis.config import Scenario
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle
from blis.scenario import apply_bundle
from blis.workload.draw.generate import generate
from blis.workload.draw.pools import SATURATION_POOL, pool_seed
from experiments.page import make_figure, publish
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.problem.problem import Problem
from search.run_folder.overview import BASELINE_COLOURS, MUTED, WINNER_COLOUR, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEDS = 4
REQUESTS = 8_000
LIMIT_US = 1_000_000
TICKS_S = (0.2, 0.3, 0.5, 1.0)
SHARE = 0.7  # of saturation: the default workload's rate
HIGHEST_RATE = 1_000  # requests per second; a search for more than that has gone wrong


def saturation_curve(problem: Problem, policy: PolicyBundle, seed: int) -> list[float]:
    """TTFT p99 in µs at 1, 2, ... requests per second, up to the first at which the table of `seed` saturates.

    Every step is run: p99 need not grow with the rate, so a bisection could find a later one.
    """
    scenario = apply_bundle(problem.scenario, policy)
    curve: list[float] = []
    for rate in range(1, HIGHEST_RATE + 1):
        curve.append(ttft_p99_us(problem, scenario, rate, seed))
        if curve[-1] >= LIMIT_US:
            return curve
    raise InputError(f"TTFT p99 stays below 1 s up to {HIGHEST_RATE} requests per second")


def ttft_p99_us(problem: Problem, scenario: Scenario, rate: int, seed: int) -> float:
    """TTFT p99 in µs over the scored rows; a request that was not served counts as infinitely late."""
    workload = replace(problem.workload, aggregate_rate=float(rate), num_requests=REQUESTS)
    table = generate(workload, seed)
    ttft_us = problem.simulate(scenario, table).ttft_us[table.scored_rows].astype(np.float64)
    return float(np.percentile(np.where(ttft_us < 0, np.inf, ttft_us), 99, method="higher"))


def picture(curves: Sequence[Sequence[float]], policy: str, workload: str) -> Figure:
    """TTFT p99 against the rate, a line a seed, and the limit."""
    figure, (axes,) = make_figure(f"Saturation of {policy} on {workload}", 1)
    for seed, curve in enumerate(curves):
        rates, seconds = range(1, len(curve) + 1), [value / 1e6 for value in curve]
        axes.plot(rates, seconds, color=BASELINE_COLOURS[seed], linewidth=1.2, label=f"seed {seed}: {len(curve)}")
        axes.plot(rates[-1:], seconds[-1:], "o", color=BASELINE_COLOURS[seed], markersize=5)
    axes.axhline(LIMIT_US / 1e6, color=WINNER_COLOUR, linewidth=1.2)
    middle = median(map(len, curves))
    axes.axvline(middle, color=MUTED, linewidth=1, linestyle="--", label=f"median: {middle:g}")
    axes.axvline(SHARE * middle, color=MUTED, linewidth=1, linestyle=":", label=f"{SHARE:g} of it: {SHARE * middle:g}")
    axes.set_yscale("log")
    axes.set_yticks(TICKS_S, [f"{tick:g}" for tick in TICKS_S])
    axes.set_yticks([], minor=True)
    axes.set_xlabel("requests per second")
    axes.set_ylabel("TTFT p99 (s)")
    axes.legend(fontsize=8, frameon=False)
    dress(axes)
    return figure


def main(overrides: list[str]) -> int:
    """Print the rate of every seed and the median, and draw the curves."""
    try:
        settings = compose_settings(overrides)
        problem, policy = settings.problem, settings.problem.baseline
        seeds = [pool_seed(problem.workload.seed, SATURATION_POOL, i) for i in range(SEEDS)]
        curves = list(settings.workers.map(saturation_curve, [(problem, policy, seed) for seed in seeds]))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    middle = median(map(len, curves))
    lines = [f"seed {i}: {len(curve)} requests per second" for i, curve in enumerate(curves)]
    share = f"{SHARE:g} of it is {SHARE * middle:g}"
    lines.append(f"{settings.primary} saturates at {middle:g} requests per second (median); {share}")
    publish("saturation", "\n".join(lines), picture(curves, settings.primary, problem.workload.name))
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
