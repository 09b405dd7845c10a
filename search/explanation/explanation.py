"""All that is said about a policy that was found, beside how good it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from blis.comparison.statistics import AnyComparison
from search.explanation.ablation import ablation
from search.explanation.decisions import Decision, decisions
from search.explanation.groups import Group, groups
from search.explanation.importance import importance
from search.explanation.slices import Slice, slices
from search.problem.policy import Policy
from search.running.archive import Archive
from search.settings import Settings
from search.verdict.holdout import Holdout
from search.verdict.numbers import comparison_dict
from search.verdict.verdict import Verdict

#: Report tables of which single requests are looked at.
TABLES = 4


@dataclass(frozen=True)
class Explanation:
    """needed: what each difference from the primary baseline is worth; given_up: differences worth nothing.

    importance: of the keys of the search space. groups, decisions: of requests. Everything is about the policy found,
    whether it is what is exported or not.
    """

    needed: Mapping[str, AnyComparison]
    given_up: Sequence[str]
    importance: Mapping[str, float]
    slices: Mapping[str, Slice]
    groups: Sequence[Group]
    decisions: Sequence[Decision]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "needed": {key: comparison_dict(found) for key, found in self.needed.items()},
            "given_up": list(self.given_up),
            "importance": dict(self.importance),
            "slices": {key: asdict(found) for key, found in self.slices.items()},
            "groups": [asdict(group) for group in self.groups],
            "decisions": [asdict(decision) for decision in self.decisions],
        }


def explain(settings: Settings, archive: Archive, verdict: Verdict, holdout: Holdout) -> Explanation | None:
    """The explanation of a verdict; None if nothing was proved or it is not wanted."""
    policy, proof = verdict.candidate, verdict.proof
    if policy is None or proof is None or not settings.validation.explain:
        return None
    seeds = holdout.report.seeds
    return Explanation(
        ablation(policy, holdout, proof.winner.set_back),
        proof.winner.set_back,
        importance(settings.space, archive),
        slices(policy, holdout.selection, settings.validation.simplicity_share) if _gains(verdict) else {},
        groups([_runs(settings, policy, key) for key in seeds[:TABLES]]),
        decisions(policy, settings.problem, seeds[0]),
    )


def _gains(verdict: Verdict) -> bool:
    """Whether there is a gain: only then can a share of it be lost."""
    found = verdict.against_primary
    return found is not None and found.bounds is not None and found.bounds[0] > 0


def _runs(settings: Settings, policy: Policy, key: Any) -> tuple[Any, Any, Any]:
    """A table, and what becomes of it under the policy and under the primary baseline."""
    problem, table = settings.problem, settings.problem.table(key)
    both = [problem.simulate(problem.scenario_on(one, key), table) for one in (policy, problem.against)]
    return table, both[0], both[1]
