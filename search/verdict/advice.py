"""What to deploy: the best policy that is known, which is what runs today unless another is proved better.

Two policies may be proved: the best candidate and the best baseline, each chosen on the selection tables and held
against the primary baseline once, on the report tables. Of two that are, the candidate is taken if it is the better one
there: a rule is simpler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from blis.comparison.statistics import AnyComparison
from search.problem.policy import Policy

#: What is exported: the policy that the search found, a baseline, or the primary baseline.
CANDIDATE, RULE, KEEP = "candidate", "rule", "keep"


@dataclass(frozen=True)
class Advice:
    """policy: what is exported; kind: one of the names above; name: of a baseline, "" of a candidate.

    against: the policy against the primary baseline on the report tables; None of that itself.
    """

    kind: str
    name: str
    policy: Policy
    against: AnyComparison | None = None


def keep(primary: str, policy: Policy) -> Advice:
    """To change nothing."""
    return Advice(KEEP, primary, policy)


def advise(
    candidate: Policy,
    comparisons: Mapping[str, AnyComparison],
    primary: tuple[str, Policy],
    rule: tuple[str, Policy],
    rule_against: AnyComparison | None,
) -> Advice:
    """The advice of a proof.

    comparisons: the candidate against every baseline; primary, rule: names and policies of the primary and of the best
    baseline; rule_against: the rule against the primary, None if it is that.
    """
    name, policy = rule
    against = comparisons[primary[0]]
    better_rule = rule_against is not None and _proved(rule_against)
    if _proved(against) and not (better_rule and comparisons[name].mean <= 0):
        return Advice(CANDIDATE, "", candidate, against)
    return Advice(RULE, name, policy, rule_against) if better_rule else keep(*primary)


def _proved(against: AnyComparison) -> bool:
    """Whether the whole interval lies above zero."""
    return against.bounds is not None and against.bounds[0] > 0
