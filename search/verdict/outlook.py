"""What to expect of the policy that is to be deployed: in other worlds, and in instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search.problem.policy import Policy
from search.verdict.advice import KEEP, Advice
from search.verdict.holdout import Holdout
from search.verdict.robustness import Robustness, robustness


@dataclass(frozen=True)
class Outlook:
    """None: not asked for, or nothing is to be deployed."""

    robust: Robustness | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"robust": None if self.robust is None else self.robust.to_dict()}


def outlook(holdout: Holdout, advice: Advice, rule: Policy) -> Outlook:
    """The outlook of an advice. rule: the best baseline. Of what runs today nobody asks."""
    if advice.kind == KEEP:
        return Outlook()
    return Outlook(robustness(holdout, advice.policy, rule) if holdout.settings.validation.robust else None)
