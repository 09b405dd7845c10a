"""Decision traces: who got in, who went where, and what the router saw of every instance when it decided.

Needs a run that kept its decisions (`ResultTable.decisions`). Everything a record says of an instance is the router's
view at that moment, as old as its signals were, and before the request at hand was added.

Regret is how much better the best choice looked than the one taken. By the policy's own score it is 0 whenever the
policy takes its best, and has that score's unit; by load it is the same for all policies: waiting, running and
pending requests of the instance taken, minus those of the least loaded one. Only instances count that the request
could go to after filters (cluster-and-policies.md section 8).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.errors import InputError
from blis.files import write_text
from blis.tables.records import REASONS, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

ADMISSION, ROUTING = "admission", "routing"  # the kinds of records
LOAD_UNIT = "requests"

#: What a unit of a policy's score is; a sum of normalised terms where nothing is said.
SCORE_UNITS = {
    "always-busiest": "requests",
    "least-loaded": "requests",
    "lmetric": "tokens x requests",
    "power-of-two": "1 = the choice",
    "prefix-affinity": "1 = the home, else -requests",
    "prefix-affinity-exact": "1 = the home, else -requests",
    "random": "1 = the choice",
    "round-robin": "places in the turn",
    "session-affinity": "1 = the home, else -requests",
    "weighted": "weighted score, 0 to 1",
}

#: What a candidate's record says of an instance, and where the view has it.
_SEEN = {
    "queue_depth": "queue_depth",
    "batch_size": "batch_size",
    "pending": "pending",
    "kv_utilization": "kv_utilization",
    "free_kv_blocks": "free_blocks",
}


@dataclass(frozen=True)
class DecisionTrace:
    """The decisions of one run: n requests, I instances; -1 in times and instances of what was not decided."""

    policy: str  # of routing
    original: bool  # regret is by score where the policy is `weighted`, else by load, as the original has it
    request_ids: tuple[str, ...]
    admission_us: NDArray[np.int64]  # [n] time of the admission decision, -1 if the run ended before
    reason: NDArray[np.int32]  # [n] why it was rejected, there or at the gateway; index into REASONS, 0 = it was not
    routed_us: NDArray[np.int64]  # [n]
    chosen: NDArray[np.int32]  # [n]
    views: NDArray[np.void]  # [n, I]
    candidates: int  # how many of the best instances a record describes

    @property
    def routed(self) -> NDArray[np.int64]:
        """The rows that were routed, in the order of the decisions."""
        rows = np.flatnonzero(self.routed_us >= 0)
        return rows[np.argsort(self.views["turn"][rows, 0], kind="stable")]

    @property
    def load(self) -> NDArray[np.int64]:
        """[n, I] EffectiveLoad: waiting, running and pending requests."""
        return self.views["queue_depth"] + self.views["batch_size"] + self.views["pending"]

    @property
    def score_regret(self) -> NDArray[np.float64]:
        """[n] best score - score of the choice, at least 0; NaN for rows that were not routed."""
        return self._regret(self.views["score"])

    @property
    def load_regret(self) -> NDArray[np.float64]:
        """[n] load of the choice - least load, at least 0; NaN for rows that were not routed."""
        return self._regret(-self.load)

    @property
    def regret(self) -> NDArray[np.float64]:
        """[n] by load; of the original also by score, see `original`."""
        return self.score_regret if self.original and self.policy == "weighted" else self.load_regret

    def _regret(self, worth: NDArray[Any]) -> NDArray[np.float64]:
        best = np.where(self.views["eligible"] != 0, worth, -np.inf).max(axis=1)
        taken = np.take_along_axis(worth, np.maximum(self.chosen, 0)[:, None], axis=1)[:, 0]
        return np.where(self.routed_us >= 0, np.maximum(best - taken, 0.0), np.nan)

    def ranked(self, row: int) -> NDArray[np.int64]:
        """The instances a request could go to, the best score first, equal ones by number."""
        view = self.views[row]
        able = np.flatnonzero(view["eligible"])
        return able[np.argsort(-view["score"][able], kind="stable")]

    def most_regretted(self, n: int) -> dict[int, list[int]]:
        """The rows of the `n` decisions with the largest regret, and where else each could have gone.

        The earlier first among equals; other instances are those that filters and placement had left, best score first.
        """
        order = self.routed[np.argsort(-self.regret[self.routed], kind="stable")][:n].tolist()
        return {row: [j for j in self.ranked(row).tolist() if j != self.chosen[row]] for row in order}

    def records(self) -> Iterator[dict[str, Any]]:
        """Plain records in the order in which they were decided; at one instant admissions come first."""
        score_regret, load_regret = self.score_regret, self.load_regret
        decided = np.flatnonzero(self.admission_us >= 0)
        events = [(self.admission_us[row], 0, place, row) for place, row in enumerate(decided.tolist())]
        events += [(self.routed_us[row], 1, place, row) for place, row in enumerate(self.routed.tolist())]
        for _, kind, _, row in sorted(events):
            if kind == 0:
                yield self._admission_record(row)
            else:
                yield self._routing_record(row, float(score_regret[row]), float(load_regret[row]))

    def _admission_record(self, row: int) -> dict[str, Any]:
        reason = int(self.reason[row])
        return {
            "kind": ADMISSION,
            "request_id": self.request_ids[row],
            "time_us": int(self.admission_us[row]),
            "admitted": reason == 0,
            "reason": REASONS[reason],
        }

    def _routing_record(self, row: int, score_regret: float, load_regret: float) -> dict[str, Any]:
        view = self.views[row]
        record: dict[str, Any] = {
            "kind": ROUTING,
            "request_id": self.request_ids[row],
            "time_us": int(self.routed_us[row]),
            "chosen_instance": instance_name(int(self.chosen[row])),
            "reason": self._routing_reason(row),
            "scores": {instance_name(j): float(view["score"][j]) for j in np.flatnonzero(view["eligible"]).tolist()},
            "score_regret": score_regret,
            "load_regret": load_regret,
        }
        if self.candidates:
            record["candidates"] = [_candidate(view, j) for j in self.ranked(row)[: self.candidates].tolist()]
        return record

    def _routing_reason(self, row: int) -> str:
        """In the original's words where it has the policy."""
        view, chosen = self.views[row], int(self.chosen[row])
        if self.policy == "round-robin":
            return f"round-robin[{view['turn'][0]}]"
        if self.policy in ("least-loaded", "always-busiest"):
            return f"{self.policy} (load={self.load[row, chosen]})"
        if self.policy == "weighted":
            return f"weighted-scoring (score={view['score'][chosen]:.3f})"
        if self.policy.startswith("prefix-affinity"):
            found = "cache-hit" if view["home"][chosen] else "cache-miss, fallback to least-loaded"
            return f"{self.policy} ({found})"
        return f"{self.policy} (score={view['score'][chosen]:g})"


@dataclass(frozen=True)
class DecisionSummary:
    """Totals of a trace. Regrets are 0 if nothing was routed."""

    total: int
    admitted: int
    rejected: int
    targets: dict[str, int]  # instance -> requests, in the order of instance numbers
    mean_regret: float
    max_regret: float
    regret_unit: str
    mean_score_regret: float
    max_score_regret: float
    score_unit: str

    def text(self) -> str:
        """For the terminal, in the original's words."""
        lines = [
            "=== Trace Summary ===",
            f"Total Decisions: {self.total}",
            f"  Admitted: {self.admitted}",
            f"  Rejected: {self.rejected}",
            f"Unique Targets: {len(self.targets)}",
        ]
        if self.targets:
            lines += ["Target Distribution:", *(f"  {name}: {count}" for name, count in self.targets.items())]
        lines += [
            f"Mean Regret: {self.mean_regret:.6f} ({self.regret_unit})",
            f"Max Regret: {self.max_regret:.6f} ({self.regret_unit})",
            f"Mean Score Regret: {self.mean_score_regret:.6f} ({self.score_unit})",
            f"Max Score Regret: {self.max_score_regret:.6f} ({self.score_unit})",
        ]
        return "\n".join(lines)


def decision_trace(
    scenario: Scenario, table: RequestTable, result: ResultTable, candidates: int = 0, original: bool = False
) -> DecisionTrace:
    """The decisions of a run. candidates: best instances that a routing record describes (`--counterfactual-k`).

    original: regret as the original has it. Raises InputError if the run did not keep its decisions.
    """
    if result.decisions is None:
        raise InputError("this run kept no decisions; simulate with observe=Observe(decisions=True)")
    decided_us = result.arrival_us + scenario.cluster.admission.latency_us
    late = result.arrival_us < 0  # never came
    late |= decided_us > (np.iinfo(np.int64).max if scenario.horizon_us is None else scenario.horizon_us)
    return DecisionTrace(
        policy=scenario.cluster.routing.policy,
        original=original,
        request_ids=tuple(table.request_id(row) for row in range(len(table))),
        admission_us=np.where(late, -1, decided_us),
        reason=np.where(result.status == REJECTED, result.reason, 0),
        routed_us=result.routed_us,
        chosen=result.instance,
        views=result.decisions,
        candidates=candidates,
    )


def decision_summary(trace: DecisionTrace) -> DecisionSummary:
    """Totals, where requests went, and how large the regrets were."""
    routed = trace.routed
    decided = trace.admission_us >= 0
    rejected = int(np.count_nonzero(trace.reason[decided]))
    count = np.bincount(trace.chosen[routed], minlength=trace.views.shape[1]).tolist()
    by_score = trace.original and trace.policy == "weighted"
    regret, score_regret = trace.regret[routed], trace.score_regret[routed]
    unit = SCORE_UNITS.get(trace.policy, "score")
    return DecisionSummary(
        total=int(np.count_nonzero(decided)),
        admitted=int(np.count_nonzero(decided)) - rejected,
        rejected=rejected,
        targets={instance_name(j): number for j, number in enumerate(count) if number},
        mean_regret=float(regret.mean()) if len(routed) else 0.0,
        max_regret=float(regret.max(initial=0.0)),
        regret_unit=unit if by_score else LOAD_UNIT,
        mean_score_regret=float(score_regret.mean()) if len(routed) else 0.0,
        max_score_regret=float(score_regret.max(initial=0.0)),
        score_unit=unit,
    )


def write_decisions(path: str | Path, trace: DecisionTrace) -> None:
    """Write the records as JSON lines, one a decision in their order; the whole file or nothing."""
    write_text(path, "".join(json.dumps(record, allow_nan=False) + "\n" for record in trace.records()))


def instance_name(number: int) -> str:
    """How an instance is called in files."""
    return f"instance_{number}"


def _candidate(view: NDArray[np.void], j: int) -> dict[str, Any]:
    """What the router saw of one instance."""
    found: dict[str, Any] = {"instance_id": instance_name(j), "score": float(view["score"][j])}
    return found | {name: view[field][j].item() for name, field in _SEEN.items()}
