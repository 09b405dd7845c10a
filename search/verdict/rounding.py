"""Rounded policies: whole weights and short numbers, unless that costs score (default-problem.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor, gcd, log10
from typing import Any

from blis.config import Scorer
from blis.policies.bundle import PolicyBundle, bundle_mapping, load_bundle
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.evaluator import OK, Evaluation, Evaluator

#: Keys whose values come from a list of round ones.
_LISTED = ("long_prefill_threshold",)

#: Largest weight and significant digits of a number, from coarse to fine.
LEVELS = ((100, 2), (100, 3), (1000, 4), (10_000, 6))


def rounded_versions(policy: Policy, problem: Problem) -> Iterator[Policy]:
    """The policy rounded ever more finely, and last as it is."""
    for largest_weight, digits in LEVELS:
        yield problem.policy(round_bundle(policy.complete, largest_weight, digits))
    yield policy


def round_bundle(bundle: PolicyBundle, largest_weight: int, digits: int) -> PolicyBundle:
    """Weights as whole numbers up to `largest_weight`, never a positive one to 0; numbers to `digits` digits.

    The prefill threshold is one of a list of round values and stays.
    """
    mapping = _shorter(bundle_mapping(bundle), digits)
    if bundle.routing.scorers:
        rounded = round_weights(bundle.routing.scorers, largest_weight)
        mapping["routing"]["scorers"] = [{"name": scorer.name, "weight": scorer.weight} for scorer in rounded]
    return load_bundle(mapping)


def _shorter(value: Any, digits: int, key: str = "") -> Any:
    """Nested plain values with every number to so many significant digits; whole numbers stay whole."""
    if isinstance(value, dict):
        return {name: _shorter(item, digits, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_shorter(item, digits) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value or key in _LISTED:
        return value
    return round(value, digits - 1 - floor(log10(abs(value))))


def round_weights(scorers: Sequence[Scorer], largest: int) -> tuple[Scorer, ...]:
    """The weights scaled so that the largest is `largest`, rounded, without a common divisor."""
    top = max(scorer.weight for scorer in scorers)
    whole = [max(1, round(scorer.weight / top * largest)) for scorer in scorers]
    divisor = gcd(*whole)
    return tuple(Scorer(scorer.name, float(weight // divisor)) for scorer, weight in zip(scorers, whole, strict=True))


def round_finalists(
    policies: Sequence[Policy], scores: Sequence[float], evaluator: Evaluator, loss: float
) -> list[tuple[Policy, Evaluation]]:
    """Each policy in the coarsest rounding that scores at most `loss` less on the search tables.

    scores: what each policy scored there before. All policies are tried at one level together.
    """
    chosen: dict[int, tuple[Policy, Evaluation]] = {}
    versions = [rounded_versions(policy, evaluator.problem) for policy in policies]
    while len(chosen) < len(policies):
        open_ = [i for i in range(len(policies)) if i not in chosen]
        tried = [next(versions[i]) for i in open_]
        for i, policy, found in zip(open_, tried, evaluator.evaluate(tried), strict=True):
            exact = policy.id == policies[i].id  # scored already: the last resort
            if exact or (found.status == OK and found.fitness is not None and found.fitness >= scores[i] - loss):
                chosen[i] = (policy, found)
    return [chosen[i] for i in range(len(policies))]
