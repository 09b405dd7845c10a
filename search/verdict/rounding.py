"""Rounded policies: whole weights and short numbers, unless that costs score (default-problem.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import floor, gcd, log10
from typing import Any

from blis.config import Scorer
from blis.policies.bundle import PolicyBundle, bundle_mapping, load_bundle
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.evaluation import OK, Evaluation
from search.running.evaluator import Evaluator
from search.space.parameters import Number
from search.space.space import Space
from search.space.templates import FILTER_PREFIX, PREFILL_SCORER_PREFIX, SCORER_PREFIX, SCORER_PREFIXES

#: Largest weight and significant digits of a number, from coarse to fine.
LEVELS = ((100, 2), (100, 3), (1000, 4), (10_000, 6))


def rounded_versions(policy: Policy, problem: Problem, space: Space) -> Iterator[Policy]:
    """The policy rounded ever more finely, and last as it is."""
    for largest_weight, digits in LEVELS:
        yield problem.policy(round_bundle(policy.complete, space, largest_weight, digits))
    yield policy


def round_bundle(bundle: PolicyBundle, space: Space, largest_weight: int, digits: int) -> PolicyBundle:
    """Weights as whole numbers up to `largest_weight`, never a positive one to 0; numbers to `digits` digits.

    Only what the space draws from a range: what it lists or does not name stays, and so do weights of which it names
    a part alone.
    """
    mapping = _shorter(bundle_mapping(bundle), space, digits)
    prefill = mapping.get("disaggregation", {}).get("prefill", {})
    for prefix, given, place in (
        (SCORER_PREFIX, bundle.routing, mapping.get("routing", {})),
        (PREFILL_SCORER_PREFIX, bundle.disaggregation.prefill, prefill),
    ):
        scorers = (given.scorers if given else None) or ()
        if scorers and all(isinstance(space.parameters.get(prefix + one.name), Number) for one in scorers):
            rounded = round_weights(scorers, largest_weight)
            for one, scorer in zip(place["scorers"], rounded, strict=True):
                one["weight"] = scorer.weight
    return load_bundle(mapping)


def _shorter(value: Any, space: Space, digits: int, key: str = "") -> Any:
    """Nested plain values with every number of a range to so many significant digits; whole numbers stay whole.

    key: the space key of the value.
    """
    if isinstance(value, dict):
        return {name: _shorter(item, space, digits, f"{key}.{name}" if key else name) for name, item in value.items()}
    if key + "." in (FILTER_PREFIX, *SCORER_PREFIXES):
        return [
            {**one, "parameters": _shorter(one.get("parameters", {}), space, digits, f"{key}.{one['name']}")}
            for one in value
        ]
    if not value or not isinstance(space.parameters.get(key), Number):
        return value
    return round(value, digits - 1 - floor(log10(abs(value))))


def round_weights(scorers: Sequence[Scorer], largest: int) -> tuple[Scorer, ...]:
    """The weights scaled so that the largest is `largest`, rounded, without a common divisor."""
    top = max(scorer.weight for scorer in scorers)
    whole = [max(1, round(scorer.weight / top * largest)) for scorer in scorers]
    divisor = gcd(*whole)
    return tuple(
        replace(scorer, weight=float(weight // divisor)) for scorer, weight in zip(scorers, whole, strict=True)
    )


def round_finalists(
    policies: Sequence[Policy], scores: Sequence[float], space: Space, evaluator: Evaluator, loss: float
) -> list[tuple[Policy, Evaluation]]:
    """Each policy in the coarsest rounding that scores at most `loss` less on the search tables.

    scores: what each policy scored there before. All policies are tried at one level together.
    """
    chosen: dict[int, tuple[Policy, Evaluation]] = {}
    versions = [rounded_versions(policy, evaluator.problem, space) for policy in policies]
    while len(chosen) < len(policies):
        open_ = [i for i in range(len(policies)) if i not in chosen]
        tried = [next(versions[i]) for i in open_]
        for i, policy, found in zip(open_, tried, evaluator.evaluate(tried), strict=True):
            exact = policy.id == policies[i].id  # scored already: the last resort
            if exact or (found.status == OK and found.fitness is not None and found.fitness >= scores[i] - loss):
                chosen[i] = (policy, found)
    return [chosen[i] for i in range(len(policies))]
