"""How far each number of the policy found may be moved: the score along it, everything else as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from math import log
from typing import Any

from blis.errors import InputError
from blis.policies.bundle import BundleEngine, PolicyBundle
from search.problem.policy import Policy
from search.problem.problem import Problem
from search.running.evaluator import Evaluator
from search.verdict.simplify import may_fall_to

#: What a number is multiplied with: half an octave a step, two octaves to either side.
FACTORS = tuple(2.0 ** (step / 2) for step in range(-4, 5))

#: A fall to less than this share of the policy's gain is a cliff.
CLIFF = 0.5

#: Selection tables that a slice is measured on.
TABLES = 8

Setter = Callable[[float], PolicyBundle]


@dataclass(frozen=True)
class Slice:
    """Scores against the primary baseline along one number. values, scores: in rising order; no score is None.

    plateau: the values around the policy's own between which nothing worth mentioning is lost. cliff: the nearest value
    at which half of the gain is gone, as a factor of its own; None if there is none among them.
    """

    value: float
    values: tuple[float, ...]
    scores: tuple[float | None, ...]
    plateau: tuple[float, float]
    cliff: float | None


def slices(policy: Policy, evaluator: Evaluator, share: float) -> Mapping[str, Slice]:
    """A slice a number, by its key. share: of the gain, which is not worth mentioning."""
    few = Evaluator(evaluator.problem.nominal, evaluator.seeds[:TABLES], evaluator.workers)
    lines = {key: _line(value, set_to, few.problem) for key, (value, set_to) in numbers(policy.complete)}
    few.evaluate([policy, *(variant for line in lines.values() for variant in line.values())])
    own = few.evaluate([policy])[0].fitness
    if own is None or own <= 0:  # there is no gain to lose
        return {}
    found = {}
    for key, (value, _) in numbers(policy.complete):
        line = {**lines[key], value: policy}
        values = sorted(line)
        scores = [evaluation.fitness for evaluation in few.evaluate([line[at] for at in values])]
        found[key] = _slice(value, values, scores, own, share)
    return found


def numbers(bundle: PolicyBundle) -> Iterator[tuple[str, tuple[float, Setter]]]:
    """The numbers of a complete bundle that can be moved: their keys, values, and the bundle with another one."""
    routing = bundle.routing
    scorers = routing.scorers or ()
    for place, scorer in enumerate(scorers):
        if len(scorers) > 1:
            yield f"routing.scorers.{scorer.name}", (scorer.weight, _weight(bundle, place))
    for name in ("admission", "routing", "priority"):
        part = getattr(bundle, name)
        for key, value in (part.parameters or {}).items():
            if value:
                yield f"{name}.parameters.{key}", (value, _parameter(bundle, name, part, key))
    for field in fields(BundleEngine):
        value = getattr(bundle.engine, field.name)
        if value:
            yield f"engine.{field.name}", (value, _knob(bundle, field.name))


def _weight(bundle: PolicyBundle, place: int) -> Setter:
    def set_to(value: float) -> PolicyBundle:
        scorers = list(bundle.routing.scorers or ())
        scorers[place] = replace(scorers[place], weight=value)
        return replace(bundle, routing=replace(bundle.routing, scorers=tuple(scorers)))

    return set_to


def _parameter(bundle: PolicyBundle, name: str, part: Any, key: str) -> Setter:
    return lambda value: replace(bundle, **{name: replace(part, parameters={**part.parameters, key: value})})


def _knob(bundle: PolicyBundle, name: str) -> Setter:
    return lambda value: replace(bundle, engine=replace(bundle.engine, **{name: round(value)}))


def _line(value: float, set_to: Setter, problem: Problem) -> dict[float, Policy]:
    """The policy by the value that one number has, where that is a policy."""
    found = {}
    for factor in FACTORS:
        at = round(value * factor) if isinstance(value, int) else value * factor
        try:
            found[at] = problem.policy(set_to(at))
        except InputError:  # out of the number's bounds
            continue
    return found


def _slice(value: float, values: Sequence[float], scores: Sequence[float | None], own: float, share: float) -> Slice:
    """What the scores along a number say. own: the policy's."""
    at = values.index(value)
    low, high, least = at, at, may_fall_to(own, share)
    while low > 0 and _at_least(scores[low - 1], least):
        low -= 1
    while high < len(values) - 1 and _at_least(scores[high + 1], least):
        high += 1
    cliffs = [other / value for other, score in zip(values, scores, strict=True) if not _at_least(score, CLIFF * own)]
    nearest = min(cliffs, key=lambda factor: (abs(log(factor)), factor), default=None)
    return Slice(value, tuple(values), tuple(scores), (values[low], values[high]), nearest)


def _at_least(score: float | None, least: float) -> bool:
    return score is not None and score >= least
