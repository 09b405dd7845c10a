"""The question a search asks: which scenario, which requests, which score, against which baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from blis.config import Scenario
from blis.engine.run import simulate
from blis.policies.bundle import PolicyBundle
from blis.requests import RequestTable
from blis.results import ResultTable
from blis.scenario import scenario_mapping
from blis.workload.generate import generate, mean_input_tokens
from blis.workload.spec import WorkloadSpec, spec_mapping

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
    def u(self) -> float:
        """Share of the offered work left undone."""

    @property
    def harm(self) -> float:
        """Share of tenants that lost most of the good answers they had."""


class Fitness(Protocol):
    """How a run is scored against another run on the same requests (default-problem.md section 2)."""

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> Any:
        """What scoring needs of one run, compact: arrays over the scored rows."""

    def compare(self, candidate: Any, baseline: Any) -> Score:
        """The score of one outcome relative to another on the same table; positive = better."""


@dataclass(frozen=True)
class Problem:
    """Scenario, workload, fitness and baseline: everything that gives a policy its score.

    search_seeds: seeds of the tables on which `search.evaluate` scores unless told otherwise.
    """

    scenario: Scenario
    workload: WorkloadSpec
    fitness: Fitness
    baseline: PolicyBundle
    search_seeds: tuple[int, ...] = ()
    simulate: Simulate = simulate
    make_table: Callable[[WorkloadSpec, int], RequestTable] = generate
    _tables: dict[int, RequestTable] = field(default_factory=dict, compare=False, repr=False)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)

    def table(self, seed: int) -> RequestTable:
        """The requests of a seed, made once: every candidate meets the same ones."""
        with self._lock:
            if seed not in self._tables:
                self._tables[seed] = self.make_table(self.workload, seed)
            return self._tables[seed]

    @property
    def rates(self) -> dict[str, float]:
        """Rates of the workload that a search space may scale by; of the specification, not of a table."""
        return {"offered_tokens_per_s": self.workload.aggregate_rate * mean_input_tokens(self.workload)}

    def redrawn(self) -> Problem:
        """The same problem with another population (tenants, prefixes): the specification's next seed."""
        other = replace(self.workload, seed=self.workload.seed + 1)
        return replace(self, workload=other, _tables={}, _lock=Lock())

    def mapping(self) -> dict[str, Any]:
        """What `scenario.yaml` of a run folder holds: cluster, instance and the embedded workload."""
        return {**scenario_mapping(self.scenario), "workload": spec_mapping(self.workload)}


Policy = PolicyBundle | Mapping[str, Any] | str | Path
