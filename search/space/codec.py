"""Genome <-> policy bundle: what a point of the search space means, and where a policy lies in the space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blis.config import BANDS, CLASS_NAMES, PICKERS, PREEMPTIONS, Scenario
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle, bundle_mapping, load_bundle
from blis.policies.filters import FILTERS
from blis.policies.scorers import SCORERS
from blis.scenario import apply_bundle
from blis.yaml_strict import flat_keys
from search.problem.policy import Policy
from search.space.parameters import Value
from search.space.space import FLOW_CONTROL, TIER_KEYS, Genome, Space
from search.space.templates import (
    APPLY,
    FILTER_PREFIX,
    PREFILL_SCORER_PREFIX,
    SCORER_PREFIX,
    SCORER_PREFIXES,
    SKIP,
    is_weight,
    scorers_of,
    weights_by_list,
)

_FLOW_ENABLED = "flow_control.enabled"

#: Beginnings of keys that stand for one thing.
_LISTS = (*SCORER_PREFIXES, FILTER_PREFIX[:-1], "flow_control.")


def decode(space: Space, genome: Mapping[str, Value], rates: Mapping[str, float]) -> PolicyBundle:
    """The bundle that a genome stands for; `rates` scale the parameters that are `relative_to` one.

    Raises InputError if the genome is no policy (all weights zero) or the bundle refuses a value.
    """
    flaw = space.flaw(genome)
    if flaw is not None:
        raise InputError(flaw)
    mapping = _copy(space.fixed)
    for key, value in genome.items():
        prefix = scorers_of(key)
        if prefix is not None:
            _set_scorer(mapping, prefix, key.removeprefix(prefix), value)
        elif key.startswith(FILTER_PREFIX):
            _set_filter(mapping, key.removeprefix(FILTER_PREFIX), value)
        elif key == FLOW_CONTROL:
            _set(mapping, _FLOW_ENABLED, value == APPLY)
        else:
            rate = space.relative.get(key)
            _set(mapping, key, value if rate is None else float(value) * rates[rate])
    return load_bundle(mapping)


def _set_scorer(mapping: dict[str, Any], prefix: str, path: str, value: Value) -> None:
    """Append a scorer that has a weight, or set a parameter of one; those of weight 0 have none."""
    name, _, key = path.partition(".")
    *parents, last = prefix[:-1].split(".")
    for parent in parents:
        mapping = mapping.setdefault(parent, {})
    scorers = mapping.setdefault(last, [])
    if key:
        next(one for one in scorers if one["name"] == name)["parameters"][key] = value
    elif value:
        scorers.append({"name": name, "weight": value, "parameters": {}})


def _set_filter(mapping: dict[str, Any], path: str, value: Value) -> None:
    """Append a filter that is applied, or set a parameter of the one appended last."""
    name, _, key = path.partition(".")
    filters = mapping.setdefault("routing", {}).setdefault("filters", [])
    if key != "use":
        filters[-1]["parameters"][key] = value
    elif value == APPLY:
        filters.append({"name": name, "parameters": {}})


def encode(space: Space, policy: Policy, rates: Mapping[str, float]) -> Genome | None:
    """The genome nearest to a policy; None if the space has none of its templates.

    Weights are scaled so that the largest is 1: an arg-max does not see the scale. The policy itself need
    not lie on the genome's point; a baseline is evaluated as its own bundle.
    """
    effective = policy_values(policy)
    if any(effective.get(key) != value for key, value in policy_mapping(load_bundle(space.fixed)).items()):
        return None
    top = {prefix: max(weights) for prefix, weights in weights_by_list(effective).items()}
    genome: Genome = {}
    for key, parameter in space.parameters.items():
        if not space.is_active(key, genome):
            continue
        value = effective.get(key)
        if is_weight(key):
            value = (value or 0.0) / top.get(scorers_of(key) or "", 1.0)
        elif value is not None and key in space.relative:
            value = value / rates[space.relative[key]]
        nearest = parameter.nearest(value)
        if nearest is None:
            return None
        genome[key] = nearest
    return None if space.flaw(genome) else genome


def policy_values(policy: Policy) -> dict[str, Any]:
    """What a policy decides by space key, also what its complete bundle leaves out as a default."""
    values: dict[str, Any] = {
        "routing.picker": PICKERS[0],
        "flow_control.bands": BANDS[0],
        "preemption": PREEMPTIONS[0],
        _FLOW_ENABLED: False,
        "routing.filters": [],
    }
    values |= _disaggregation(policy)
    values |= policy_mapping(policy.complete)
    values[FLOW_CONTROL] = APPLY if values[_FLOW_ENABLED] else SKIP
    chosen = dict(values["routing.filters"])
    for name, template in FILTERS.items():
        values[f"{FILTER_PREFIX}{name}.use"] = APPLY if name in chosen else SKIP
        for position, parameter in enumerate(template.bounds):
            values[f"{FILTER_PREFIX}{name}.{parameter}"] = chosen[name][position] if name in chosen else None
    for name in (*CLASS_NAMES, *policy.scenario.slo_tiers):
        values |= {f"slo_tiers.{name}.{key}": getattr(policy.scenario.tier(name), key) for key in TIER_KEYS}
    return values


def _disaggregation(policy: Policy) -> dict[str, Any]:
    """Who prefills for whom; where nobody says how those are chosen, as `routing` has it."""
    given = policy.scenario.cluster.disaggregation
    names = ("decider", "uncached_tokens", "prefill_instances")
    values = {f"disaggregation.{name}": getattr(given, name) for name in names}
    if policy.scenario.apart and given.prefill is None:
        scorers = {key: value for key, value in policy_mapping(policy.complete).items() if scorers_of(key)}
        values |= {PREFILL_SCORER_PREFIX + key.removeprefix(SCORER_PREFIX): value for key, value in scorers.items()}
    return values


def policy_mapping(bundle: PolicyBundle) -> dict[str, Any]:
    """The set values of a bundle by space key, scorers with all their parameters; so filters, as `routing.filters`."""
    values = flat_keys(bundle_mapping(replace(bundle, provenance={})))
    for prefix in SCORER_PREFIXES:
        for scorer in values.pop(prefix[:-1], ()):
            key = prefix + scorer["name"]
            values[key] = scorer["weight"]
            named = SCORERS.named_values(scorer["name"], scorer.get("parameters", {}))
            values |= {f"{key}.{parameter}": value for parameter, value in named.items()}
    if bundle.routing.filters is not None:
        values["routing.filters"] = [(f.name, FILTERS.values(f.name, f.parameters)) for f in bundle.routing.filters]
    return values


def silent_part(space: Space, policy: Policy) -> dict[str, Any]:
    """What a policy decides that the space does not name, by space key; a part of a list names all of it."""
    named = {*space.parameters, *policy_mapping(load_bundle(space.fixed))}
    lists = [name for name in _LISTS if any(key.startswith(name) for key in named)]
    values = policy_mapping(policy.complete)
    return {key: value for key, value in values.items() if key not in named and not key.startswith(tuple(lists))}


def check_space(space: Space, scenario: Scenario, rates: Mapping[str, float]) -> None:
    """Raise InputError if any bound of the space gives a policy that the scenario refuses."""
    for genome in space.corners():
        if space.flaw(genome):
            continue
        try:
            apply_bundle(scenario, decode(space, genome, rates))
        except InputError as error:
            raise InputError(f"search_space: {error}") from None


def _copy(value: Any) -> Any:
    """Nested mappings and lists as fresh dicts and lists."""
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list | tuple) else value


def _set(mapping: dict[str, Any], key: str, value: Value | float) -> None:
    """Set a dotted key of nested mappings."""
    *parents, last = key.split(".")
    for parent in parents:
        mapping = mapping.setdefault(parent, {})
    mapping[last] = value
