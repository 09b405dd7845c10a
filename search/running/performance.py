"""One simulation for the search: what is kept of it, its score, and how a policy that breaks it is survived."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.errors import InputError, named, one_line
from blis.evaluation.distribution import US_PER_MS, Distribution, Weighted, distribution, weighted_distribution
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
    mean_instances: float


@dataclass(frozen=True)
class Closely:
    """What only people look at: the load of the cluster, and times of the whole table, a warm-up included.

    first_us: to the first token of all that got one; ttft_us of the requests that were completed with an output;
    tpot_us of those with a token after the first; gaps_us between tokens, of the completed ones. longest_us: of all
    gaps.
    """

    load: Load
    first_us: NDArray[np.int64]
    ttft_us: NDArray[np.int64]
    tpot_us: NDArray[np.float64]
    gaps_us: Weighted
    longest_us: int
    prompt_hit_rate: float


@dataclass(frozen=True)
class Performance:
    """What is kept of a policy on a table, far less than the result.

    outcome: what the fitness compares. served: how many scored requests were completed. e2e_us: of all that were, a
    warm-up included. seen: None where nobody looks closely.
    """

    outcome: Any
    served: int
    e2e_us: NDArray[np.int64]
    seen: Closely | None

    @property
    def closely(self) -> Closely:
        """What was seen by an evaluator that looks closely."""
        assert self.seen is not None
        return self.seen

    @property
    def e2e_p99_ms(self) -> float:
        """0 if nothing was completed."""
        return distribution(self.e2e_us).p99

    @cached_property
    def measures(self) -> Measures:
        """For people, who look at few policies."""
        seen = self.closely
        ttft, e2e, tpot = map(distribution, (seen.first_us, self.e2e_us, seen.tpot_us))
        itl = weighted_distribution(seen.gaps_us)
        return Measures(
            completed_requests=len(self.e2e_us),
            **_known(ttft, "ttft", "mean", "p99"),
            **_known(tpot, "tpot", "mean"),
            **_known(itl, "itl", "mean", "p50", "p95", "p99", "max"),
            longest_stall_ms=seen.longest_us / US_PER_MS or None,
            **_known(e2e, "e2e", "mean", "p99"),
            prompt_hit_rate=seen.prompt_hit_rate,
            mean_instances=seen.load.instances,
        )


def _known(found: Distribution, name: str, *statistics: str) -> dict[str, float | None]:
    """Some numbers of a latency by their keys."""
    flat = found.flat(name)
    return {key: flat[key] for key in (f"{name}_{statistic}_ms" for statistic in statistics)}


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
def perform(
    simulate: Simulate, fitness: Fitness, scenario: Scenario, table: RequestTable, closely: bool
) -> Performance:
    """Simulate, and keep what is compared again; closely: and what people look at."""
    result = _lawful(simulate, scenario, table)
    done = result.status == COMPLETED
    return Performance(
        fitness.outcome(scenario, table, result),
        int(np.count_nonzero(done[table.scored_rows])),
        result.e2e_us[done],
        _seen(scenario, table, result) if closely else None,
    )


def _seen(scenario: Scenario, table: RequestTable, result: ResultTable) -> Closely:
    """What only people look at of a run."""
    done, first = result.status == COMPLETED, result.ttft_us >= 0
    gaps = all_gaps(result)
    return Closely(
        load_of(scenario, table, result),
        first_us=result.ttft_us[first],
        ttft_us=result.ttft_us[done & first],
        tpot_us=tpot_us(table, result)[done & (table.output_tokens > 1)],
        gaps_us=gaps.counted(done),
        longest_us=gaps.longest_us(),
        prompt_hit_rate=hit_rates(result, Compat()).prompt,
    )


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
