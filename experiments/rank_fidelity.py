"""Whether routers rank in a simulation as on real clusters: published comparisons, simulated (docs/accuracy.md).

    python -m experiments.rank_fidelity    half a minute

Means over five tables of requests. What is compared, and what had to be assumed for it: experiments/published.py. The
page goes to outputs/experiments/rank_fidelity/.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from blis.engine.run import simulate
from blis.errors import InputError
from blis.files import write_text
from blis.scenario import load_scenario
from blis.tables.results import ResultTable
from experiments.inference_perf import Load
from experiments.page import FOLDER, markdown_table
from experiments.published import COMPARISONS, SIGNALS, Comparison
from search.application import EXIT_INPUT, EXIT_OK

NAME = "rank_fidelity"
TABLES = 5
US_PER_S = 1e6


class Served(NamedTuple):
    """A run: what was asked and what came of it."""

    load: Load
    result: ResultTable


Measure = Callable[[Served, NDArray[np.int64]], float]


def _seconds(column: str, statistic: Callable[[NDArray[np.float64]], float]) -> Measure:
    """A statistic of a column of µs over some requests, in s."""
    return lambda served, rows: float(statistic(getattr(served.result, column)[rows] / US_PER_S))


def _percentile(q: float) -> Callable[[NDArray[np.float64]], float]:
    return lambda values: float(np.percentile(values, q))


def _tokens_per_s(served: Served, rows: NDArray[np.int64]) -> float:
    """Of some requests, from the first arrival to the last answer."""
    requests, result = served.load.requests, served.result
    lasted_us = result.completed_us[rows].max() - requests.arrival_us[rows].min()
    return float(result.generated_tokens[rows].sum() / lasted_us * US_PER_S)


#: Each is taken of a stage's requests; what a comparison says is the mean over its stages.
MEASURES: dict[str, Measure] = {
    "output tokens/s": _tokens_per_s,
    "TTFT p90 s": _seconds("ttft_us", _percentile(90)),
    "TTFT mean s": _seconds("ttft_us", np.mean),
    "TTFT p50 s": _seconds("ttft_us", _percentile(50)),
    "TTFT p95 s": _seconds("ttft_us", _percentile(95)),
    "E2E p50 s": _seconds("e2e_us", _percentile(50)),
    "E2E p95 s": _seconds("e2e_us", _percentile(95)),
}


def serve(comparison: Comparison, router: str, load: Load) -> Served:
    """The requests under one router. Raises InputError if a request got no answer: its figures would mean nothing."""
    routing = {"signals": SIGNALS, **comparison.routers[router]}
    cluster = {"instances": comparison.instances, "routing": routing}
    result = simulate(load_scenario({"cluster": cluster, "instance": dict(comparison.instance)}), load.requests)
    unanswered = int((result.completed_us < 0).sum())
    if unanswered:
        raise InputError(f"{comparison.name}, {router}: {unanswered} requests got no answer")
    return Served(load, result)


def measured(served: Served, measure: str) -> float:
    """The mean of a measure over the stages."""
    stage = served.load.stage
    return fmean(MEASURES[measure](served, np.flatnonzero(stage == number)) for number in range(int(stage.max()) + 1))


def simulated(comparison: Comparison) -> dict[str, tuple[float, ...]]:
    """What `published` has, of a simulation: means over the tables."""
    loads = [comparison.requests.load(seed) for seed in range(TABLES)]
    runs = {router: [serve(comparison, router, load) for load in loads] for router in comparison.routers}
    return {
        measure: tuple(fmean(measured(served, measure) for served in runs[router]) for router in runs)
        for measure in comparison.published
    }


def tau(published: tuple[float, ...], found: tuple[float, ...]) -> float:
    """Kendall's tau-b of two rankings of the same routers: 1 if all pairs are in the same order, -1 if none is."""
    return float(kendalltau(published, found).statistic)


def table(comparison: Comparison, found: dict[str, tuple[float, ...]]) -> str:
    """Published and simulated figures of every router, and tau of each measure."""
    both = [(comparison.published[measure], values) for measure, values in found.items()]
    header = ("router", *(f"{measure}, {which}" for measure in found for which in ("published", "simulated")))
    body = [
        (router, *(_number(side[i]) for pair in both for side in pair)) for i, router in enumerate(comparison.routers)
    ]
    taus = [cell for pair in both for cell in ("", f"{tau(*pair):+.2f}")]
    return markdown_table(header, [*body, ("Kendall's tau", *taus)])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def section(comparison: Comparison, found: dict[str, tuple[float, ...]]) -> str:
    """A comparison: where it is from, the table, what is known and what is not."""
    facts = f"{comparison.source}. Stated: {comparison.stated}. Assumed: {comparison.assumed}."
    return f"### {comparison.name}\n\n{facts}\n\n{table(comparison, found)}"


def main(arguments: list[str]) -> int:
    """Print the page and keep it."""
    try:
        if arguments:
            raise InputError(f"no arguments are expected, got {' '.join(arguments)}")
        text = "\n\n".join(section(comparison, simulated(comparison)) for comparison in COMPARISONS)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    write_text(FOLDER / NAME / f"{NAME}.md", text + "\n")
    print(text)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
