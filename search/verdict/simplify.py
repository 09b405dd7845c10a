"""The winner without what it does not need: differences from the primary baseline that cost nothing to set back.

A search keeps whatever does no harm; what is exported should say what it is for. The differences are set back one after
the other, the cheapest first, as long as the policy scores nearly what it scored with all of them. All of that happens
on the selection tables: what is left is proved on others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from blis.errors import InputError
from blis.policies.bundle import PolicyBundle
from search.problem.genes import differences
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.evaluator import Evaluator
from search.verdict.rounding import LEVELS, round_weights

#: How often all differences are looked at.
PASSES = 3


@dataclass(frozen=True)
class Simplified:
    """policy: what is left; set_back: the differences that are none any more but for rounding, in their order."""

    policy: Policy
    set_back: tuple[str, ...] = ()


def simplify(policy: Policy, evaluator: Evaluator, share: float) -> Simplified:
    """Set back what costs nothing, in passes, since without one difference another may be worth nothing.

    share: of the gain over the primary baseline, which the best of all that is seen on the way has on the evaluator's
    tables, that the result may lose there.
    """
    found, best = policy, evaluator.evaluate([policy])[0].fitness
    if best is None:
        return Simplified(policy)
    set_back: list[str] = []
    for _ in range(PASSES):
        known = len(set_back)
        for key in _cheapest_first(found, evaluator):
            variant = one_back(found, evaluator.problem).get(key)
            if variant is None or not one_back(variant, evaluator.problem):  # the primary baseline itself
                continue
            score = evaluator.evaluate([variant])[0].fitness
            if score is not None and score >= may_fall_to(best, share):
                set_back.append(key)
                found, best = variant, max(best, score)
        if len(set_back) == known:
            break
    left = one_back(found, evaluator.problem)  # a share of the weights that was set back changes with the others
    return Simplified(
        _with_whole_weights(found, evaluator, may_fall_to(best, share)).spelled_out(),
        tuple(key for key in dict.fromkeys(set_back) if key not in left),
    )


def may_fall_to(score: float, share: float) -> float:
    """What is left of a score without such a share of the gain: the primary baseline scores 0."""
    return score - share * max(score, 0.0)


def _cheapest_first(policy: Policy, evaluator: Evaluator) -> list[str]:
    """The keys of the policy's differences, by what it scores without each alone."""
    alone = one_back(policy, evaluator.problem)
    scores = dict(zip(alone, (found.fitness for found in evaluator.evaluate(list(alone.values()))), strict=True))
    return sorted(alone, key=lambda key: -_or_least(scores[key]))


def one_back(policy: Policy, problem: Problem) -> dict[str, Policy]:
    """The policy with each of its differences from the primary baseline set back alone, where that is a policy."""
    back = differences(policy.complete, problem.against.complete)
    found = {key: _policy(problem, bundle) for key, bundle in back.items()}
    return {key: variant for key, variant in found.items() if variant is not None and variant.id != policy.id}


def _with_whole_weights(policy: Policy, evaluator: Evaluator, least: float) -> Policy:
    """The policy with weights that are whole numbers without a common divisor again, if it keeps a score."""
    problem, bundle = evaluator.problem, policy.complete
    given = bundle.routing.scorers
    if not given:
        return policy
    whole = all(scorer.weight.is_integer() for scorer in given)
    for largest in [int(max(scorer.weight for scorer in given))] if whole else [top for top, _ in LEVELS]:
        scorers = round_weights(given, largest)
        rounded = problem.policy(replace(bundle, routing=replace(bundle.routing, scorers=scorers)))
        score = evaluator.evaluate([rounded])[0].fitness
        if score is not None and score >= least:
            return rounded
    return policy


def _policy(problem: Problem, bundle: PolicyBundle) -> Policy | None:
    try:
        return problem.policy(bundle)
    except InputError:  # half of a policy may be none
        return None


def _or_least(score: float | None) -> float:
    return float("-inf") if score is None else score
