"""In what a policy differs from another: each difference by the key of its bundle, and the policy without it.

Of two that both score instances, a scorer's weight is compared by its share of all weights, which is all that a choice
sees; whatever belongs to another template (its parameters, its scorers) comes and goes with it. Scorers, which act
alike in any order, then stand in the order of the other policy: whoever compares the two files finds them in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from math import isclose
from typing import Any

from blis.config import Filter, Scorer
from blis.policies.bundle import (
    BundleAutoscaling,
    BundleEngine,
    BundleFlowControl,
    BundleRouting,
    PolicyBundle,
)

#: Keys of templates in a bundle's routing that are set back by themselves.
_ROUTING_CHOICES = ("picker", "tie_break")


def differences(policy: PolicyBundle, other: PolicyBundle) -> dict[str, PolicyBundle]:
    """By the key of each difference, the policy with only that set back to what the other has.

    policy, other: complete bundles in one scenario.
    """
    return dict(_differences(policy, other))


def _differences(policy: PolicyBundle, other: PolicyBundle) -> Iterator[tuple[str, PolicyBundle]]:
    for name in ("admission", "priority"):
        for key, part in _template(getattr(policy, name), getattr(other, name)):
            yield f"{name}.{key}", replace(policy, **{name: part})
    for key, routing in _routing(policy.routing, other.routing):
        yield f"routing.{key}", replace(policy, routing=routing)
    for key, flow in _flow_control(policy.flow_control, other.flow_control):
        yield f"flow_control.{key}", replace(policy, flow_control=flow)
    for key, scaling in _autoscaling(policy.autoscaling, other.autoscaling):
        yield f"autoscaling.{key}", replace(policy, autoscaling=scaling)
    for name in ("retries", "breaker", "hedging", "disaggregation"):
        if getattr(policy, name) != getattr(other, name):
            yield name, replace(policy, **{name: getattr(other, name)})
    yield from _scheduler(policy, other)
    if policy.preemption != other.preemption:
        yield "preemption", replace(policy, preemption=other.preemption)
    for name in sorted({*policy.slo_tiers, *other.slo_tiers}):
        if policy.slo_tiers.get(name) != other.slo_tiers.get(name):
            kept = {key: tier for key, tier in policy.slo_tiers.items() if key != name}
            back = {name: other.slo_tiers[name]} if name in other.slo_tiers else {}
            yield f"slo_tiers.{name}", replace(policy, slo_tiers={**kept, **back})
    for field in fields(BundleEngine):
        value = getattr(other.engine, field.name)
        if getattr(policy.engine, field.name) != value:
            yield f"engine.{field.name}", replace(policy, engine=replace(policy.engine, **{field.name: value}))


def _autoscaling(scaling: BundleAutoscaling, other: BundleAutoscaling) -> Iterator[tuple[str, BundleAutoscaling]]:
    """The autoscaler as a whole if only one has it, else each of its settings that can be set back alone."""
    if bool(scaling.maximum) != bool(other.maximum):
        yield "maximum", replace(other, maximum=other.maximum or 0)
        return
    for field in fields(BundleAutoscaling):
        value = getattr(other, field.name)
        if not scaling.maximum or getattr(scaling, field.name) == value:
            continue
        back = replace(scaling, **{field.name: value})
        if back.minimum is None or back.minimum <= (back.maximum or 0):
            yield field.name, back


def _template(part: Any, other: Any) -> Iterator[tuple[str, Any]]:
    """Of a template with parameters: the template itself, or each parameter of the same one."""
    if part.policy != other.policy:
        yield "policy", replace(part, policy=other.policy, parameters=other.parameters)
        return
    for key, parameters in _parameters(part.parameters or {}, other.parameters or {}):
        yield f"parameters.{key}", replace(part, parameters=parameters)


def _parameters(given: dict[str, float], other: dict[str, float]) -> Iterator[tuple[str, dict[str, float]]]:
    """Each number that differs, and all numbers with it set back."""
    for name, value in given.items():
        if name in other and other[name] != value:
            yield name, {**given, name: other[name]}


def _scheduler(policy: PolicyBundle, other: PolicyBundle) -> Iterator[tuple[str, PolicyBundle]]:
    if policy.scheduler != other.scheduler:
        back = replace(policy, scheduler=other.scheduler, scheduler_parameters=other.scheduler_parameters)
        yield "scheduler", back
        return
    for key, parameters in _parameters(policy.scheduler_parameters or {}, other.scheduler_parameters or {}):
        yield f"scheduler_parameters.{key}", replace(policy, scheduler_parameters=parameters)


def _routing(routing: BundleRouting, other: BundleRouting) -> Iterator[tuple[str, BundleRouting]]:
    for key, filters in _named(routing.filters or (), other.filters or ()):
        yield f"filters.{key}", replace(routing, filters=filters)
    if routing.policy != other.policy:
        yield "policy", replace(other, filters=routing.filters)
        return
    for key, parameters in _parameters(routing.parameters or {}, other.parameters or {}):
        yield f"parameters.{key}", replace(routing, parameters=parameters)
    for key, scorers in _scorers(routing.scorers or (), other.scorers or ()):
        yield f"scorers.{key}", replace(routing, scorers=in_order(scorers, other.scorers or ()))
    for key in _ROUTING_CHOICES:
        if getattr(routing, key) != getattr(other, key):
            yield key, replace(routing, **{key: getattr(other, key)})


def _scorers(given: tuple[Scorer, ...], other: tuple[Scorer, ...]) -> Iterator[tuple[str, tuple[Scorer, ...]]]:
    """Each scorer whose share of the weights or whose parameters differ."""
    total, whole = (sum(scorer.weight for scorer in scorers) for scorers in (given, other))
    before, after = ({scorer.name: scorer for scorer in scorers} for scorers in (given, other))
    for name in sorted({*before, *after}):
        mine, theirs = before.get(name), after.get(name)
        share = 0.0 if theirs is None else theirs.weight / whole
        rest = tuple(scorer for scorer in given if scorer.name != name)
        if mine is not None and theirs is not None:
            for key, parameters in _parameters(mine.parameters, theirs.parameters):
                yield f"{name}.{key}", (*rest, replace(mine, parameters=parameters))
        if isclose(0.0 if mine is None else mine.weight / total, share):
            continue
        back = mine or theirs
        assert back is not None
        found = rest if theirs is None else (*rest, replace(back, weight=_weight_of(share, rest)))
        if found:
            yield name, found


def in_order(scorers: tuple[Scorer, ...], of: tuple[Scorer, ...]) -> tuple[Scorer, ...]:
    """Scorers in the order that others have, those which these have not behind them."""
    names = [scorer.name for scorer in (*of, *scorers)]
    return tuple(sorted(scorers, key=lambda scorer: names.index(scorer.name)))


def _weight_of(share: float, rest: tuple[Scorer, ...]) -> float:
    """The weight with which a scorer has a share of all beside the rest."""
    others = sum(scorer.weight for scorer in rest)
    return share / (1 - share) * others if rest and share < 1 else 1.0


def _named(given: tuple[Filter, ...], other: tuple[Filter, ...]) -> Iterator[tuple[str, tuple[Filter, ...]]]:
    """Each filter that only one has, or with other parameters, in the order of who has it; then that order."""
    before, after = ({one.name: one for one in filters} for filters in (given, other))
    if before == after and given != other:
        yield "order", other
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) == after.get(name):
            continue
        if name not in before:
            yield name, (*given, after[name])
        else:
            back = (after[name],) if name in after else ()
            yield name, tuple(one for old in given for one in (back if old.name == name else (old,)))


def _flow_control(flow: BundleFlowControl, other: BundleFlowControl) -> Iterator[tuple[str, BundleFlowControl]]:
    """The gateway queue as a whole if only one has it, else each of its settings."""
    if bool(flow.enabled) != bool(other.enabled):
        yield "enabled", replace(other, enabled=bool(other.enabled))
        return
    for field in fields(BundleFlowControl):
        if flow.enabled and getattr(flow, field.name) != getattr(other, field.name):
            yield field.name, replace(flow, **{field.name: getattr(other, field.name)})
