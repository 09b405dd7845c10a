"""Where requests go: a bundle's `routing` as plugins and the steps of a scheduling profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from blis.config import Filter, Scorer
from blis.deploy.counterparts import (
    APPROXIMATE,
    DETECTOR,
    FILTERS,
    LOAD_FILTER,
    NEAREST,
    NEARLY,
    NEVER_FULL,
    PICKERS,
    PRECISE,
    SCORERS,
    Counterpart,
)
from blis.deploy.draft import Draft
from blis.deploy.weights import LARGEST, integer_ratio
from blis.errors import InputError
from blis.policies.bundle import BundleRouting
from blis.policies.filters import FILTERS as OUR_FILTERS
from blis.policies.registry import Registry
from blis.policies.scorers import SCORERS as OUR_SCORERS


def write_routing(routing: BundleRouting, draft: Draft) -> None:
    """Add a profile's plugins to a draft. Raises InputError for what the router does not have."""
    policy = routing.policy
    if policy is None:
        raise InputError("routing.policy is not in the bundle, so that it says nothing of where requests go")
    for one in routing.filters or ():
        _filter(one, draft)
    if policy == "weighted":
        if not routing.scorers:
            raise InputError("routing.scorers are not in the bundle, so that it says nothing of where requests go")
        _scorers(routing.scorers, draft)
        draft.step(PICKERS[routing.picker or "max"])
        if routing.tie_break == "first" and (routing.picker or "max") == "max":
            draft.notes.add("routing.tie_break first: max-score-picker takes any of equal scores, at random")
    elif policy == "least-loaded":
        draft.notes.add("routing.policy least-loaded: active-request-scorer alone counts requests in flight, at once")
        _scorers((Scorer("active-requests", 1.0),), draft)
        draft.step(PICKERS["max"])
    elif policy == "random":
        draft.step("random-picker")
    else:
        raise no_counterpart("routing.policy", policy, draft.dialect.product)


def no_counterpart(key: str, name: str, product: str) -> InputError:
    """The error for a policy that a product does not have."""
    nearest = NEAREST.get(key, {}).get(name)
    hint = f"; the nearest is {nearest}" if nearest else ""
    return InputError(f"{key} {name!r} has no counterpart in {product}{hint}")


def _scorers(scorers: tuple[Scorer, ...], draft: Draft) -> None:
    named = [_nearly(scorer, scorers, draft) for scorer in scorers]
    weights, exact = integer_ratio([scorer.weight for scorer in named])
    if not exact:
        draft.notes.add(f"routing.scorers: weights are rounded to parts of {LARGEST}")
    for scorer, weight in zip(named, weights, strict=True):
        counterpart = _counterpart(scorer.name, draft)
        values = OUR_SCORERS.named_values(scorer.name, scorer.parameters)
        parameters = dict(_parameters(counterpart, values, OUR_SCORERS, draft))
        name = counterpart.theirs
        if counterpart.producer == PRECISE:
            parameters = {"prefixMatchInfoProducerName": PRECISE, **parameters}
            name = "precise-prefix-cache-scorer"
        _produce(counterpart, draft)
        draft.step(counterpart.theirs, parameters, weight=weight, name=name)


def _nearly(scorer: Scorer, scorers: tuple[Scorer, ...], draft: Draft) -> Scorer:
    """The scorer, or the one that is nearly the same and has a counterpart, if that is not there already."""
    if scorer.name not in NEARLY:
        return scorer
    name, note = NEARLY[scorer.name]
    if name in [one.name for one in scorers]:
        problem = f"routing.scorers {scorer.name!r} has no counterpart in {draft.dialect.product} beside {name!r}"
        raise InputError(f"{problem}; the nearest is {name!r} alone")
    draft.notes.add(f"routing.scorers {scorer.name}: {note}")
    return Scorer(name, scorer.weight)


def _counterpart(name: str, draft: Draft) -> Counterpart:
    for counterpart in SCORERS:
        missing = counterpart.producer == PRECISE if draft.dialect.old else counterpart.outdated
        if counterpart.ours == name and not missing:
            return counterpart
    raise no_counterpart("routing.scorers", name, draft.dialect.product)


def _parameters(
    counterpart: Counterpart, values: Mapping[str, float], registry: Registry, draft: Draft
) -> Iterator[tuple[str, Any]]:
    """Their parameters from ours, also those at the router's default: that changes with releases."""
    for note in filter(None, (counterpart.note, counterpart.needs)):
        draft.notes.add(f"{counterpart.theirs}: {note}")
    if draft.dialect.old and not counterpart.everywhere:
        draft.notes.add(f"{counterpart.theirs}: of llm-d-inference-scheduler, {draft.dialect.product} alone has it not")
    for ours, theirs in counterpart.parameters.items():
        value = values[ours]
        if ours in counterpart.off:
            if not value:
                problem = f"{ours} 0 has no counterpart: {theirs} 0 means never; the nearest is a small number above 0"
                raise InputError(f"{registry.kind} {counterpart.ours!r}: {problem}")
            value = 0.0 if value >= counterpart.off[ours] else value
        value = value // 1 if ours in counterpart.counts else value
        yield theirs, draft.number(counterpart.theirs, theirs, value)


def _produce(counterpart: Counterpart, draft: Draft) -> None:
    """What gathers the data has to be listed; the older dialect has it inside its plugins."""
    if counterpart.producer and not draft.dialect.old:
        draft.plugin(counterpart.producer)


def _filter(one: Filter, draft: Draft) -> None:
    values = OUR_FILTERS.named_values(one.name, one.parameters)
    if one.name == LOAD_FILTER and not draft.dialect.old:
        draft.notes.add(f"routing.filters load: {DETECTOR} also leaves out instances whose KV cache is entirely full")
        limit = draft.number(DETECTOR, "queueDepthThreshold", float(values["max_waiting"] // 1) + 1)
        parameters = {"queueDepthThreshold": limit, "kvCacheUtilThreshold": NEVER_FULL}
        draft.step(DETECTOR, parameters, name="load-filter")
        return
    for counterpart in FILTERS:
        if counterpart.ours == one.name and not draft.dialect.old:
            draft.plugin(APPROXIMATE)
            _produce(counterpart, draft)
            draft.step(counterpart.theirs, dict(_parameters(counterpart, values, OUR_FILTERS, draft)))
            return
    raise no_counterpart("routing.filters", one.name, draft.dialect.product)
