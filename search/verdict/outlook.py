"""What to expect of the policy that is to be deployed: in other worlds, and in instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from blis.errors import EngineError, InputError
from search.problem.policy import Policy
from search.verdict.advice import CANDIDATE, KEEP, Advice
from search.verdict.holdout import Holdout
from search.verdict.robustness import Robustness, robustness
from search.verdict.saving import Saving, saving


@dataclass(frozen=True)
class Outlook:
    """subject: whose it is, for people. robust, saving: None if not asked for; no saving either where none is known.

    unsaved: what failed where it was looked for, which takes nothing from what is proved.
    """

    subject: str
    robust: Robustness | None
    saving: Saving | None
    unsaved: str = ""

    @property
    def sentence(self) -> str:
        """What a verdict says of other worlds; empty if nothing was tried there."""
        words = "" if self.robust is None else str(self.robust)
        return words and f"In other worlds {self.subject} is {words}."

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        parts = {"robust": self.robust, "saving": self.saving}
        return {name: None if part is None else part.to_dict() for name, part in parts.items()}


def outlook(holdout: Holdout, advice: Advice, candidate: Policy, rule: Policy) -> Outlook:
    """Of what is to be deployed; of the best candidate if that is what runs today. rule: the best baseline."""
    policy = candidate if advice.kind == KEEP else advice.policy
    subject = {KEEP: "the best candidate", CANDIDATE: "the policy found"}.get(advice.kind, advice.name)
    wanted = holdout.settings.validation
    robust = robustness(holdout, policy, rule) if wanted.robust else None
    try:
        return Outlook(subject, robust, saving(holdout, policy) if wanted.saving else None)
    except (EngineError, InputError) as error:
        return Outlook(subject, robust, None, str(error))
