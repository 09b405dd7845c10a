"""Prefill and decode apart against all together: the same requests, rates and lengths of prompts, and where each wins.

    python -m experiments.disaggregation            a table of every rate and length
    python -m experiments.disaggregation 16000      of prompts of so many tokens alone

Four instances of conf/cluster/h100x4.yaml, as they are or with one or two of them computing every prompt. Independent
users, prompts of one length give or take an eighth, answers of 256 tokens give or take 64. 1,500 requests a table; a
cell is TTFT p99 / ITL p99 in ms, means over the tables of 4 seeds. Rates are shares of what all four could prefill.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from blis import generate, load_scenario, simulate
from blis.config import Disaggregation, Scenario
from blis.errors import InputError
from search.application import EXIT_INPUT, EXIT_OK

SEEDS = 4
REQUESTS = 1_500
TOKENS = (1_000, 4_000, 16_000)
SHARES = (0.1, 0.2, 0.3, 0.4)
SPLITS = (0, 1, 2)  # instances that prefill
PREFILL_US_TOKEN = 15.0  # about what a prompt takes on one instance
US_PER_S = 1e6


class Cell(NamedTuple):
    """What one cluster makes of one load, in ms."""

    ttft_p99: float
    itl_p99: float


def workload(tokens: int, rate: float) -> dict[str, Any]:
    """The specification of one load."""
    lengths = {"mean": tokens, "std_dev": tokens / 8, "min": tokens // 2, "max": 2 * tokens}
    answers = {"mean": 256, "std_dev": 64, "min": 2, "max": 512}
    client = {
        "id": "users",
        "slo_class": "standard",
        "rate_fraction": 1,
        "arrival": {"process": "poisson"},
        "input_distribution": {"type": "gaussian", "params": lengths},
        "output_distribution": {"type": "gaussian", "params": answers},
    }
    return {"version": "2", "aggregate_rate": rate, "num_requests": REQUESTS, "clients": [client]}


def split(scenario: Scenario, prefill_instances: int) -> Scenario:
    """The cluster with so many instances that only compute prompts."""
    apart = Disaggregation(prefill_instances=prefill_instances)
    return replace(scenario, cluster=replace(scenario.cluster, disaggregation=apart))


def cell(scenario: Scenario, tokens: int, rate: float) -> Cell:
    """The mean over all seeds."""
    found = []
    for seed in range(SEEDS):
        metrics = simulate(scenario, generate(workload(tokens, rate), seed=seed)).metrics
        found.append((metrics.ttft.p99, metrics.itl.p99))
    return Cell(*np.mean(found, axis=0).tolist())


def rows(scenario: Scenario, lengths: Sequence[int]) -> Iterator[str]:
    """The table as lines of Markdown, each when it is known."""
    heads = ["all together", *(f"{number} + {4 - number}" for number in SPLITS[1:])]
    yield f"| prompt tokens | requests/s | {' | '.join(heads)} | least TTFT | least ITL |"
    yield "|---" * (4 + len(heads)) + "|"
    for tokens in lengths:
        for share in SHARES:
            rate = round(share * scenario.cluster.instances * US_PER_S / PREFILL_US_TOKEN / tokens, 1)
            cells = [cell(split(scenario, number), tokens, rate) for number in SPLITS]
            best = [heads[int(np.argmin([getattr(one, name) for one in cells]))] for name in Cell._fields]
            shown = " | ".join(f"{one.ttft_p99:,.0f} / {one.itl_p99:.0f}" for one in cells)
            yield f"| {tokens:,} | {rate:g} | {shown} | {best[0]} | {best[1]} |"


def main(arguments: Sequence[str]) -> int:
    """Print the table; returns the exit status."""
    try:
        lengths = [int(text) for text in arguments] or TOKENS
    except ValueError as error:
        print(f"error: {InputError(f'lengths of prompts must be whole numbers of tokens: {error}')}", file=sys.stderr)
        return EXIT_INPUT
    for line in rows(load_scenario("conf/cluster/h100x4.yaml"), lengths):
        print(line, flush=True)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
