"""Whether a policy is safe when the world is otherwise: it and the best baseline against the primary one.

Safe under a shift = not significantly worse than the primary baseline there: the 95 % interval does not lie below zero
as a whole. Each shift counts by itself; a correction for their number would call more of them safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blis.comparison.gain import gain
from blis.comparison.statistics import AnyComparison
from blis.errors import EngineError, InputError
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.shifts.worlds import worlds
from search.verdict.holdout import Holdout
from search.verdict.numbers import comparison_dict


@dataclass(frozen=True)
class UnderShift:
    """Against the primary baseline in one world; best_baseline: None if that is the policy or the primary itself."""

    shift: str
    policy: AnyComparison
    best_baseline: AnyComparison | None = None

    @property
    def better(self) -> bool:
        """Whether the whole interval lies above zero."""
        return self.policy.bounds is not None and self.policy.bounds[0] > 0

    @property
    def loses(self) -> bool:
        """Whether the whole interval lies below zero."""
        return self.policy.bounds is not None and self.policy.bounds[1] < 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        rule = None if self.best_baseline is None else comparison_dict(self.best_baseline)
        return {"shift": self.shift, **comparison_dict(self.policy), "best_baseline": rule}


@dataclass(frozen=True)
class Robustness:
    """A policy in all worlds that there are; left_out: why there are no others, by the name of the shift."""

    shifts: Sequence[UnderShift]
    left_out: Mapping[str, str]

    def to_dict(self) -> list[dict[str, Any]]:
        """Plain data for JSON."""
        left_out = [{"shift": name, "left_out": reason} for name, reason in self.left_out.items()]
        return [*(one.to_dict() for one in self.shifts), *left_out]

    def __str__(self) -> str:
        """In words; empty if there is no other world."""
        judged = [one for one in self.shifts if one.policy.bounds is not None]
        lost = [one for one in judged if one.loses]
        unknown = [one.shift for one in self.shifts if one.policy.bounds is None]
        parts = []
        if judged:
            better = sum(one.better for one in judged)
            parts.append(f"safe under {len(judged) - len(lost)} of {len(judged)} shifts and better under {better}")
        if lost:
            parts.append("it loses under " + ", ".join(f"{one.shift} ({numbers(one.policy)})" for one in lost))
        if unknown:
            parts.append(f"there is no interval under {', '.join(unknown)}")
        return "; ".join(parts)


def robustness(holdout: Holdout, policy: Policy, rule: Policy) -> Robustness:
    """The policy and the best baseline in every world, on the first tables of the report pool, drawn anew there."""
    settings = holdout.settings
    found = worlds(settings.problem, settings.shifts)
    shifts, left_out = [], dict(found.left_out)
    for name, world in found.problems.items():
        try:
            shifts.append(_under(holdout, name, world, policy, rule))
        except (EngineError, InputError) as error:
            left_out[name] = str(error)
    return Robustness(shifts, left_out)


def _under(holdout: Holdout, name: str, world: Problem, policy: Policy, rule: Policy) -> UnderShift:
    """In one world. Raises EngineError if a policy has no score there, InputError if there are no such requests."""
    primary, evaluator = holdout.settings.problem.against, holdout.elsewhere(world)
    (against,) = holdout.against(policy, [primary], evaluator)
    if rule.id in (policy.id, primary.id):
        return UnderShift(name, against)
    return UnderShift(name, against, holdout.against(rule, [primary], evaluator)[0])


def numbers(found: AnyComparison) -> str:
    """A mean and its interval."""
    return " ".join(gain(found.mean, found.bounds))
