"""What each difference from the primary baseline is worth: the policy found against itself without it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from blis.comparison.statistics import AnyComparison
from search.problem.policy import Policy
from search.verdict.holdout import Holdout
from search.verdict.simplify import one_back


def ablation(policy: Policy, holdout: Holdout, given_up: Collection[str]) -> Mapping[str, AnyComparison]:
    """By the key of a difference, how much more the policy scores than without it, on the report tables.

    given_up: what is no difference any more but for the rounding of weights. The worths of several differences do not
    add up: some matter only together.
    """
    alone = one_back(policy, holdout.settings.problem)
    variants = {key: variant for key, variant in alone.items() if key not in given_up}
    scored = zip(variants.items(), holdout.selection.evaluate(list(variants.values())), strict=True)
    kept = {key: variant for (key, variant), found in scored if found.fitness is not None}
    return dict(zip(kept, holdout.beyond(policy, list(kept.values())), strict=True))
