"""The question a search asks: which scenario, which requests, which score, against which baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.run import simulate
from blis.policies.bundle import PolicyBundle
from blis.scenario import member_scenario, scenario_mapping
from blis.tables.limits import within_limits
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.draw.spec import WorkloadSpec
from search.problem.policy import Policy, make_policy
from search.problem.traffic import TableKey, Traffic, drawn_specification

Simulate = Callable[[Scenario, RequestTable], ResultTable]


class Score(Protocol):
    """What a fitness on one table consists of; `value` is scored, the rest is reported."""

    @property
    def value(self) -> float:
        """Larger is better, 0 for the baseline itself."""

    @property
    def terms(self) -> Mapping[str, float]:
        """What the value is made of, by the name of its column."""

    @property
    def undone(self) -> float:
        """Share of the offered work left undone."""

    @property
    def harm(self) -> float:
        """Share of tenants that lost most of the good answers they had."""

    @property
    def objectives(self) -> tuple[float, ...]:
        """What a search for compromises makes small, 0 for the baseline itself."""


class Fitness(Protocol):
    """How a run is scored against another run on the same requests (default-problem.md section 2)."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of the terms of a score, in the order of their columns."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of the objectives of a score, in their order."""

    @property
    def counts_cost(self) -> bool:
        """Whether fewer instances score better."""

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> Any:
        """What scoring needs of one run, compact: arrays over the scored rows."""

    def good_share(self, outcome: Any) -> float | None:
        """Share of the scored rows that met every SLO; None if there are none to meet."""

    def compare(self, candidate: Any, baseline: Any) -> Score:
        """The score of one outcome relative to another on the same table; positive = better."""

    def compare_resampled(self, candidate: Any, baseline: Any, times: NDArray[np.int64]) -> float | None:
        """The score with every scored row as often as `times` says, in the table's order; None if that is not kept."""


def unaltered(scenario: Scenario) -> Scenario:
    """A scenario as it is."""
    return scenario


@dataclass(frozen=True)
class Problem:
    """Scenario, requests, fitness and baseline: everything that gives a policy its score.

    search_seeds: keys of the tables on which `search.evaluate` scores unless told otherwise. altered: what this world
    makes of every scenario. worlds: others in which a candidate is scored too, by the name of the shift; aim: the name
    of what is made of its scores in all of them.
    """

    scenario: Scenario
    traffic: Traffic
    fitness: Fitness
    baseline: PolicyBundle
    search_seeds: tuple[TableKey, ...] = ()
    simulate: Simulate = simulate
    altered: Callable[[Scenario], Scenario] = unaltered
    worlds: Mapping[str, Problem] = field(default_factory=dict)
    aim: str = "mean"
    _tables: dict[TableKey, RequestTable] = field(default_factory=dict, compare=False, repr=False)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)

    def table(self, key: TableKey) -> RequestTable:
        """The requests under a key, made once: every candidate meets the same ones."""
        with self._lock:
            if key not in self._tables:
                self._tables[key] = within_limits(self.traffic.table(key), *self.scenario.instance.engine.limits)
            return self._tables[key]

    def scenario_on(self, policy: Policy, key: TableKey) -> Scenario:
        """A policy's scenario on a table: of a latency model's ensemble the member of the table's number."""
        scenario = self.altered(policy.scenario)
        return member_scenario(scenario, key) if isinstance(key, int) else scenario

    def policy(self, bundle: PolicyBundle) -> Policy:
        """A bundle in this scenario. Raises InputError if the two do not go together."""
        return make_policy(self.scenario, bundle)

    def candidate(self, bundle: PolicyBundle) -> Policy:
        """What a search makes of the baseline: a bundle, and the baseline's where that is silent. Raises InputError."""
        return make_policy(self.scenario, bundle, self.against)

    @cached_property
    def against(self) -> Policy:
        """The baseline, which every score is against."""
        return self.policy(self.baseline)

    @property
    def nominal(self) -> Problem:
        """The same in this world alone."""
        return replace(self, worlds={})

    @property
    def simulations(self) -> int:
        """How many a candidate of a search takes."""
        return len(self.search_seeds) * (1 + len(self.worlds))

    @property
    def workload(self) -> WorkloadSpec:
        """What tables are drawn from. Raises InputError for a trace."""
        return drawn_specification(self.traffic)

    @property
    def rates(self) -> dict[str, float]:
        """Rates of the requests that a search space may scale by."""
        return self.traffic.rates

    def on(self, traffic: Traffic) -> Problem:
        """The same problem with other requests."""
        return replace(self, traffic=traffic, _tables={}, _lock=Lock())

    def under(self, altered: Callable[[Scenario], Scenario]) -> Problem:
        """The same problem, and the same requests, with every scenario altered."""
        return replace(self, altered=altered)

    def mapping(self) -> dict[str, Any]:
        """What `scenario.yaml` of a run folder holds: cluster, instance and the embedded workload."""
        return {**scenario_mapping(self.altered(self.scenario)), "workload": self.traffic.mapping()}

    def identity(self) -> dict[str, Any]:
        """The same by what it decides, without paths."""
        return {**self.mapping(), "workload": self.traffic.identity()}
