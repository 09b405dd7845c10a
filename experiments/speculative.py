"""Tokens guessed ahead at every load: how many are worth it, and where they cost more than they bring.

    python -m experiments.speculative           a table of every rate
    python -m experiments.speculative 100       of so many requests a second alone

conf/cluster/h100x4_drafts.yaml; independent users, prompts of some 250 tokens, answers of some 500, 4,000 requests a
table. A cell is the time of a token after the first (TPOT, mean) / the time to the first (p99), in ms, means over the
tables of 4 seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from blis import generate, load_scenario, simulate
from blis.config import Scenario
from blis.errors import InputError
from search.application import EXIT_INPUT, EXIT_OK

SEEDS = 4
REQUESTS = 4_000
RATES = (10.0, 50.0, 100.0, 150.0, 200.0)
DRAFTS = (0, 1, 2, 3, 5, 7)


class Cell(NamedTuple):
    """What so many guesses make of one load, in ms."""

    tpot: float
    ttft_p99: float


def guessing(scenario: Scenario, drafts: int) -> Scenario:
    """The cluster with so many tokens guessed a step."""
    batch = replace(scenario.instance.batch, speculative_tokens=drafts)
    return replace(scenario, instance=replace(scenario.instance, batch=batch))


def workload(rate: float) -> dict[str, Any]:
    """The specification of one load."""
    client = {
        "id": "users",
        "slo_class": "standard",
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "exponential", "params": {"mean": 250}},
        "output_distribution": {"type": "exponential", "params": {"mean": 500}},
    }
    return {"version": "2", "aggregate_rate": rate, "num_requests": REQUESTS, "clients": [client]}


def cell(scenario: Scenario, rate: float) -> Cell:
    """The mean over all seeds."""
    found = []
    for seed in range(SEEDS):
        metrics = simulate(scenario, generate(workload(rate), seed=seed)).metrics
        found.append((metrics.tpot.mean, metrics.ttft.p99))
    return Cell(*np.mean(found, axis=0).tolist())


def rows(scenario: Scenario, rates: Sequence[float]) -> Iterator[str]:
    """The table as lines of Markdown, each when it is known."""
    yield f"| requests/s | {' | '.join(f'{drafts} drafts' for drafts in DRAFTS)} | least TPOT |"
    yield "|---" * (2 + len(DRAFTS)) + "|"
    for rate in rates:
        cells = [cell(guessing(scenario, drafts), rate) for drafts in DRAFTS]
        best = DRAFTS[int(np.argmin([each.tpot for each in cells]))]
        texts = " | ".join(f"{each.tpot:.1f} / {each.ttft_p99:,.0f}" for each in cells)
        yield f"| {rate:g} | {texts} | {best} drafts |"


def main(arguments: Sequence[str]) -> int:
    """Print the table; the exit status."""
    try:
        rates = [float(text) for text in arguments] or RATES
    except ValueError as error:
        print(f"error: {InputError(f'rates must be numbers of requests a second: {error}')}", file=sys.stderr)
        return EXIT_INPUT
    for line in rows(load_scenario("conf/cluster/h100x4_drafts.yaml"), rates):
        print(line, flush=True)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
