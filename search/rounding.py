"""Rounded policies: whole weights and short numbers, unless that costs score (default-problem.md section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import floor, gcd, log10

from blis.config import Scorer
from blis.policies.bundle import PolicyBundle
from search.evaluation import OK, Evaluation, Evaluator

#: Largest weight and significant digits of a number, from coarse to fine.
LEVELS = ((100, 2), (100, 3), (1000, 4), (10_000, 6))


def rounded_versions(policy: PolicyBundle) -> Iterator[PolicyBundle]:
    """The policy rounded ever more finely, and last as it is."""
    for largest_weight, digits in LEVELS:
        yield round_policy(policy, largest_weight, digits)
    yield policy


def round_policy(policy: PolicyBundle, largest_weight: int, digits: int) -> PolicyBundle:
    """Weights as whole numbers up to `largest_weight`, never a positive one to 0; numbers to `digits` digits.

    The prefill threshold is one of a list of round values and stays.
    """
    scorers, admission, engine = policy.routing.scorers, policy.admission, policy.engine
    return replace(
        policy,
        routing=replace(policy.routing, scorers=scorers and round_weights(scorers, largest_weight)),
        admission=replace(
            admission,
            token_bucket_capacity=_short(admission.token_bucket_capacity, digits),
            token_bucket_refill_rate=_short(admission.token_bucket_refill_rate, digits),
        ),
        engine=replace(
            engine,
            max_scheduled_tokens=_short_integer(engine.max_scheduled_tokens, digits),
            max_running=_short_integer(engine.max_running, digits),
        ),
    )


def round_weights(scorers: Sequence[Scorer], largest: int) -> tuple[Scorer, ...]:
    """The weights scaled so that the largest is `largest`, rounded, without a common divisor."""
    top = max(scorer.weight for scorer in scorers)
    whole = [max(1, round(scorer.weight / top * largest)) for scorer in scorers]
    divisor = gcd(*whole)
    return tuple(Scorer(scorer.name, float(weight // divisor)) for scorer, weight in zip(scorers, whole, strict=True))


def round_finalists(
    policies: Sequence[PolicyBundle], scores: Sequence[float], evaluator: Evaluator, loss: float
) -> list[tuple[PolicyBundle, Evaluation]]:
    """Each policy in the coarsest rounding that scores at most `loss` less on the search tables.

    scores: what each policy scored there before. All policies are tried at one level together.
    """
    chosen: dict[int, tuple[PolicyBundle, Evaluation]] = {}
    versions = [rounded_versions(policy) for policy in policies]
    while len(chosen) < len(policies):
        open_ = [i for i in range(len(policies)) if i not in chosen]
        tried = [next(versions[i]) for i in open_]
        for i, policy, found in zip(open_, tried, evaluator.evaluate(tried), strict=True):
            exact = policy == policies[i]  # scored already: the last resort
            if exact or (found.status == OK and found.fitness is not None and found.fitness >= scores[i] - loss):
                chosen[i] = (policy, found)
    return [chosen[i] for i in range(len(policies))]


def _short(value: float | None, digits: int) -> float | None:
    """A number to so many significant digits."""
    return value if not value else round(value, digits - 1 - floor(log10(abs(value))))


def _short_integer(value: int | None, digits: int) -> int | None:
    """A whole number to so many significant digits, never to 0."""
    return value if not value else round(value, digits - 1 - floor(log10(abs(value))))
