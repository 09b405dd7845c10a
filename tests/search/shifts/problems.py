"""Problems for shifts: of a population, of clients, of a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from blis.workload.draw.spec import load_spec
from search.problem.problem import Problem
from search.problem.traffic import Drawn
from tests.blis.workload.trace_files import random_mooncake_rows, write_mooncake
from tests.search.small import small_settings

LENGTHS = {"type": "exponential", "params": {"mean": 100, "min": 2, "max": 400}}
CLIENT = {
    "arrival": {"process": "poisson"},
    "input_distribution": LENGTHS,
    "output_distribution": LENGTHS,
}


def of_population(folder: Path, *overrides: str) -> Problem:
    """The default problem, on few requests."""
    return small_settings(folder, *overrides).problem


def of_clients(folder: Path, *clients: dict[str, object]) -> Problem:
    """A problem whose requests come from clients; keys of each, on top of those that all have."""
    mapping = {"aggregate_rate": 10.0, "num_requests": 50, "clients": [{**CLIENT, **one} for one in clients]}
    return of_population(folder).on(Drawn(load_spec(mapping)))


def of_trace(folder: Path) -> Problem:
    """A problem on a trace of a minute."""
    path = write_mooncake(folder / "trace.jsonl", random_mooncake_rows(seed=8, n=300, gap_ms=200))
    given = ("workload=trace", f"workload.path={path}", "workload.first=300", "workload.windows.warmup_s=3")
    return small_settings(folder, *given).problem


def with_cluster(problem: Problem, **changes: object) -> Problem:
    """The problem with other values of its cluster."""
    return replace(problem, scenario=replace(problem.scenario, cluster=replace(problem.scenario.cluster, **changes)))
