"""The simulator as a library: scenarios, requests and policies in, results out (architecture.md section 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blis.config import Compat, Scenario
from blis.engine.observe import Observe
from blis.engine.run import simulate as run_engine
from blis.errors import EngineError, check_choice
from blis.evaluation.laws import check_laws
from blis.evaluation.metrics import Metrics, compute_metrics
from blis.original.json_results import save_original_json
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import apply_bundle, load_scenario
from blis.tables.frame import results_frame, save_results
from blis.tables.limits import within_limits
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.source import Workload, load_requests, load_workload, requests_of

if TYPE_CHECKING:
    import pandas as pd

    from blis.config import Instance

__all__ = ["Result", "generate", "load_policy", "load_requests", "load_scenario", "simulate"]


@dataclass(frozen=True, repr=False)
class Result:
    """What a simulation gave: the tables that went in and came out, and what follows from them."""

    scenario: Scenario  # with the policy applied
    requests: RequestTable
    table: ResultTable
    compat: Compat = field(default_factory=Compat)

    def __repr__(self) -> str:
        """One line; the tables are too long to show."""
        done = int((self.table.status == COMPLETED).sum())
        seconds = self.table.duration_us / 1e6
        return f"<Result: {done} of {len(self.requests)} requests completed, {seconds:.3f} simulated seconds>"

    @cached_property
    def metrics(self) -> Metrics:
        """The summary of the run; `.to_dict()` gives plain numbers."""
        return compute_metrics(self.scenario, self.requests, self.table, None, self.compat)

    def to_frame(self) -> pd.DataFrame:
        """One row a request; NA where an event never happened. Times in µs."""
        return results_frame(self.requests, self.table, self._instances)

    def save(self, path: str | Path) -> None:
        """Write the results, whole or not at all: as CSV, or as the original's JSON to a path that ends in .json."""
        if Path(path).suffix == ".json":
            save_original_json(path, self.scenario, self.requests, self.table, self.compat)
        else:
            save_results(path, self.requests, self.table, self._instances)

    @property
    def _instances(self) -> list[Instance]:
        return [replica.instance for replica in self.scenario.replicas]


def load_policy(policy: PolicyBundle | Mapping[str, Any] | str | Path) -> PolicyBundle:
    """A policy bundle from itself, a mapping or a YAML file."""
    return policy if isinstance(policy, PolicyBundle) else load_bundle(policy)


def generate(
    spec: Workload | Mapping[str, Any] | str | Path,
    seed: int | None = None,
    n: int | None = None,
    rate_scale: float = 1.0,
) -> RequestTable:
    """A request table from a workload (itself, a mapping or a YAML file): drawn, or all that it takes of a trace.

    seed: of this table; the workload's own if left out. n: number of requests, if not the workload's.
    """
    workload = load_workload(spec) if isinstance(spec, Mapping | str | Path) else spec
    return requests_of(workload, seed, n, rate_scale)


def simulate(
    scenario: Scenario | Mapping[str, Any] | str | Path,
    requests: RequestTable | str | Path,
    policy: PolicyBundle | Mapping[str, Any] | str | Path | None = None,
    compat: Compat | str | None = None,
    observe: Observe | None = None,
) -> Result:
    """Run a scenario on requests, with a policy bundle on top if one is given.

    compat: "original" for the recorded behaviour of the original simulator, or its switches one by one.
    observe: what to keep of the run for a closer look, samples over time or the router's decisions.
    Raises InputError for what is wrong in the arguments, EngineError if the simulator broke one of its laws.
    """
    if not isinstance(scenario, Scenario):
        scenario = load_scenario(scenario)
    if policy is not None:
        scenario = apply_bundle(scenario, load_policy(policy))
    if not isinstance(requests, RequestTable):
        requests = load_requests(requests)
    if isinstance(compat, str):
        check_choice("compat", compat, ("original",))
        compat = Compat.original()
    compat = compat or Compat()
    requests = within_limits(requests, *scenario.instance.engine.limits)
    table = run_engine(scenario, requests, compat, observe)
    if violations := check_laws(scenario, requests, table, compat):
        raise EngineError("; ".join(violations))
    return Result(scenario, requests, table, compat)
