"""One simulation for the search: what is kept of it, its score, and how a policy that breaks it is survived."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.errors import InputError, named, one_line
from blis.evaluation.distribution import US_PER_MS, Weighted, distribution, known, weighted_distribution
from blis.evaluation.hit_rates import hit_rates
from blis.evaluation.itl import all_gaps
from blis.evaluation.laws import check_laws
from blis.evaluation.load import Load, load_of
from blis.evaluation.slo import tpot_us
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from search.problem.problem import Fitness, Score, Simulate

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Measures:
    """What people want to know beside a score: numbers of a run as `blis run` prints them, by its keys.

    A latency that nobody had is None.
    """

    completed_requests: float
    ttft_mean_ms: float | None
    ttft_p99_ms: float | None
    tpot_mean_ms: float | None
    itl_mean_ms: float | None
    itl_p50_ms: float | None
    itl_p95_ms: float | None
    itl_p99_ms: float | None
    itl_max_ms: float | None
    longest_stall_ms: float | None
    e2e_mean_ms: float | None
    e2e_p99_ms: float | None
    prompt_hit_rate: float

    @classmethod
    def of(cls, table: RequestTable, result: ResultTable, longest_us: int, gaps_us: Weighted) -> Measures:
        """Of the whole table, a warm-up included. longest_us: of all gaps; gaps_us: those of what was completed."""
        completed = result.status == COMPLETED
        ttft, e2e = known(result.ttft_us).flat("ttft"), known(result.e2e_us).flat("e2e")
        tpot = distribution(tpot_us(table, result)[completed & (table.output_tokens > 1)]).flat("tpot")
        itl = weighted_distribution(gaps_us).flat("itl")
        return cls(
            completed_requests=int(np.count_nonzero(completed)),
            ttft_mean_ms=ttft["ttft_mean_ms"],
            ttft_p99_ms=ttft["ttft_p99_ms"],
            tpot_mean_ms=tpot["tpot_mean_ms"],
            itl_mean_ms=itl["itl_mean_ms"],
            itl_p50_ms=itl["itl_p50_ms"],
            itl_p95_ms=itl["itl_p95_ms"],
            itl_p99_ms=itl["itl_p99_ms"],
            itl_max_ms=itl["itl_max_ms"],
            longest_stall_ms=longest_us / US_PER_MS or None,
            e2e_mean_ms=e2e["e2e_mean_ms"],
            e2e_p99_ms=e2e["e2e_p99_ms"],
            prompt_hit_rate=hit_rates(result, Compat()).prompt,
        )


@dataclass(frozen=True)
class Performance:
    """What is kept of a policy on a table, far less than the result.

    outcome: what the fitness compares. served: how many scored requests were completed. load: of the cluster.
    ttft_us, e2e_us: of the requests that were completed, TTFT of those with an output. gaps_us: between tokens, of
    the same.
    """

    outcome: Any
    served: int
    measures: Measures
    load: Load
    ttft_us: NDArray[np.int64]
    e2e_us: NDArray[np.int64]
    gaps_us: Weighted


class Failure(NamedTuple):
    """Why a simulation gave nothing; violated laws mean a bug of the simulator."""

    reason: str
    violations: tuple[str, ...] = ()
    bad_input: bool = False


class _UnfitError(Exception):
    """A run that cannot be scored, in words; with the laws that it broke, if it did."""

    def __init__(self, reason: str, violations: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.violations = tuple(violations)


def _survived(function: Callable[P, T]) -> Callable[P, T | Failure]:
    """Give a failure instead of raising: whatever a candidate provokes is recorded, and the search goes on."""

    @wraps(function)
    def survived(*arguments: P.args, **keywords: P.kwargs) -> T | Failure:
        try:
            return function(*arguments, **keywords)
        except _UnfitError as error:
            return Failure(str(error), error.violations)
        except InputError as error:
            return Failure(one_line(error), bad_input=True)
        except Exception as error:
            return Failure(named(error))

    return survived


@_survived
def perform(simulate: Simulate, fitness: Fitness, scenario: Scenario, table: RequestTable) -> Performance:
    """Simulate, and keep what is looked at again."""
    result = _lawful(simulate, scenario, table)
    done = result.status == COMPLETED
    outcome, served = fitness.outcome(scenario, table, result), int(np.count_nonzero(done[table.scored_rows]))
    load = load_of(scenario, table, result)
    ttft_us = result.ttft_us[done & (result.ttft_us >= 0)]
    gaps = all_gaps(result)
    gaps_us = gaps.counted(done)
    measures = Measures.of(table, result, gaps.longest_us(), gaps_us)
    return Performance(outcome, served, measures, load, ttft_us, result.e2e_us[done], gaps_us)


@_survived
def perform_for_score(
    simulate: Simulate, fitness: Fitness, scenario: Scenario, table: RequestTable, baseline: Any
) -> Score:
    """Simulate, and keep the score against a baseline's outcome alone: a search has many candidates."""
    result = _lawful(simulate, scenario, table)
    return _finite(fitness.compare(fitness.outcome(scenario, table, result), baseline))


@_survived
def score(fitness: Fitness, outcome: Any, baseline: Any) -> Score:
    """The score of one outcome against another."""
    return _finite(fitness.compare(outcome, baseline))


def _lawful(simulate: Simulate, scenario: Scenario, table: RequestTable) -> ResultTable:
    """The result of a run that broke no law."""
    result = simulate(scenario, table)
    violations = check_laws(scenario, table, result)
    if violations:
        raise _UnfitError(f"guard: {violations[0]}", violations)
    return result


def _finite(found: Score) -> Score:
    """The score if all of its numbers are finite."""
    numbers = (found.value, found.undone, found.harm, *found.terms.values(), *found.objectives)
    if not all(map(math.isfinite, numbers)):
        raise _UnfitError("the score is not a finite number")
    return found
