"""A problem in which every pool of requests tells another story: a number shows which pool it came from.

A policy scores what its token budget is worth in the pool plus what its routing is worth there, minus the same of
the policy it is compared with. The simulator runs as always, on a few requests a table; its latencies are not scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import numpy as np

from blis.config import Scenario
from blis.fitness.value import FitnessValue
from blis.policies.bundle import load_bundle
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.draw.generate import generate
from blis.workload.draw.pools import REPORT_POOL, SEARCH_POOL, SELECTION_POOL
from search.problem.traffic import Drawn
from search.settings import Settings
from search.space.parameters import Number
from search.space.space import Space
from tests.search.small import small_settings

REDRAWN = "redrawn"

#: pool -> token budget -> what it is worth. 1100 wins the search, 1200 the selection, 1300 the report; 1700 was luck.
BUDGETS: dict[str, dict[int, float]] = {
    SEARCH_POOL: {1100: 0.51, 1200: 0.42, 1300: 0.33, 1400: 0.40, 1234: 0.44, 1210: 0.43, 1249: 0.60, 1700: 0.30},
    SELECTION_POOL: {1100: 0.14, 1200: 0.35, 1300: 0.26, 1400: 0.35, 1234: 0.05, 1210: 0.04, 1249: 0.50, 1700: 0.30},
    REPORT_POOL: {1100: 0.17, 1200: 0.28, 1300: 0.39, 1400: 0.50, 1234: 0.06, 1210: 0.07, 1249: 0.60, 1700: -1.0},
    REDRAWN: {1100: 0.111, 1200: 0.112, 1300: 0.113},
}

#: pool -> routing -> what it is worth. Of the baselines, each pool favours another one.
ROUTINGS: dict[str, dict[str, float]] = {
    SEARCH_POOL: {"round-robin": 0.0, "least-loaded": 0.01, "power-of-two": 0.04, "lmetric": 0.03},
    SELECTION_POOL: {"round-robin": 0.0, "least-loaded": 0.02, "power-of-two": 0.01, "lmetric": 0.05},
    REPORT_POOL: {"round-robin": 0.0, "least-loaded": 0.03, "power-of-two": 0.06, "lmetric": 0.02},
    REDRAWN: {"round-robin": 0.0, "least-loaded": 0.007, "power-of-two": 0.008, "lmetric": 0.009},
}

#: What the scorer queue-depth is worth to a policy with random weights, by its weight.
QUEUE_DEPTH = {SEARCH_POOL: 1.0, SELECTION_POOL: 2.0, REPORT_POOL: 3.0, REDRAWN: 4.0}

BASELINES = {
    "plain": load_bundle({"routing": {"policy": "round-robin"}}),
    "choices": load_bundle({"routing": {"policy": "power-of-two"}}),
    "product": load_bundle({"routing": {"policy": "lmetric"}}),
}

REQUESTS = 12


def worth(pool: str, scenario: Scenario) -> float:
    """What a scenario's policy is worth in a pool."""
    routing, budget = scenario.cluster.routing, scenario.instance.batch.max_scheduled_tokens
    worth_of_budget = BUDGETS[pool].get(budget, 0.0)
    if routing.policy == "weighted":
        weights = {scorer.name: scorer.weight for scorer in routing.scorers}
        return worth_of_budget + QUEUE_DEPTH[pool] * weights.get("queue-depth", 0.0)
    return worth_of_budget + ROUTINGS[pool][routing.policy]


@dataclass(frozen=True)
class MarkedTraffic(Drawn):
    """Drawn requests that name the pool they belong to as their tenant."""

    pools: tuple[str, ...] = (SEARCH_POOL, SELECTION_POOL, REPORT_POOL)
    population: str = ""

    def table(self, key: int | str) -> RequestTable:
        """A few requests."""
        table = generate(self.spec, int(key), n=REQUESTS)
        nobody = np.zeros(len(table), np.int32)
        return replace(table, tenant=nobody, tenant_names=(self.population or self._pool_of(int(key)),), cache={})

    def redrawn(self) -> MarkedTraffic:
        """Another population."""
        return replace(self, spec=super().redrawn().spec, population=REDRAWN)

    def _pool_of(self, key: int) -> str:
        (name,) = [pool for pool in self.pools if key in self.pool(pool, 8)]
        return name


class MarkedFitness:
    """Scores a run by the pool of its table and by its policy."""

    terms = objectives = ()
    counts_cost = False

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> float:
        """What the policy is worth on this table."""
        return worth(table.tenant_names[0], scenario)

    def good_share(self, outcome: float) -> None:
        """No SLOs."""

    def compare(self, candidate: float, baseline: float) -> FitnessValue:
        """How much more the candidate is worth."""
        return FitnessValue(candidate - baseline, {})

    def compare_resampled(self, candidate: float, baseline: float, times: object) -> None:
        """No score by row."""


def marked_settings(
    run_dir: Path, budgets: tuple[int, ...] = (1100, 1200, 1300), finalists: int = 3, tuned: float = 0
) -> Settings:
    """A random search over a few token budgets, all with least-loaded routing, on marked requests.

    tuned: share of the budget for tuning the primary baseline's token budget alone.
    """
    validation = (
        f"validation.finalists={finalists}",
        "validation.rounding_loss=0.05",
        "validation.simplicity_share=0.01",  # least-loaded is worth 5 % of the gain
        f"validation.tuned_knobs_share={tuned}",
    )
    settings = small_settings(run_dir, "driver=random", "driver.budget=30", *validation)
    problem = settings.problem.on(MarkedTraffic(settings.problem.workload))
    problem = replace(problem, fitness=MarkedFitness(), baseline=BASELINES["plain"])
    return replace(
        settings,
        problem=problem,
        space=_space(budgets),
        primary="plain",
        baselines={name: problem.policy(bundle) for name, bundle in BASELINES.items()},
    )


@dataclass(frozen=True)
class FewOf(Number):
    """A number of a range, of which the search meets only a few."""

    met: tuple[int, ...] = ()

    def sample(self, rng: Random) -> int:
        """One of the few."""
        return rng.choice(self.met)


def _space(budgets: tuple[int, ...]) -> Space:
    number = FewOf(min(budgets), max(budgets), integer=True, met=budgets)
    return Space({"engine.max_scheduled_tokens": number}, fixed={"routing": {"policy": "least-loaded"}})
