"""Genome <-> policy bundle: what a point of the search space means, and where a bundle lies in the space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from blis.config import CLASS_NAMES, PICKERS, PREEMPTIONS, Scenario, default_tier
from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.bundle import BundleEngine, PolicyBundle, bundle_digest, bundle_mapping, load_bundle
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.scenario import apply_bundle
from search.space.parameters import Value
from search.space.space import FLOW_CONTROL, TIER_KEYS, Genome, Space
from search.space.templates import APPLY, FILTER_PREFIX, SCORER_PREFIX, SKIP

GENOME_ID_DIGITS = 12


def decode(space: Space, genome: Mapping[str, Value], rates: Mapping[str, float]) -> PolicyBundle:
    """The bundle that a genome stands for; `rates` scale the parameters that are `relative_to` one.

    Raises InputError if the genome is no policy (all weights zero) or the bundle refuses a value.
    """
    flaw = space.flaw(genome)
    if flaw is not None:
        raise InputError(flaw)
    mapping = _copy(space.fixed)
    for key, value in genome.items():
        if key.startswith(SCORER_PREFIX):
            if value:
                scorers = mapping.setdefault("routing", {}).setdefault("scorers", [])
                scorers.append({"name": key.removeprefix(SCORER_PREFIX), "weight": value})
        elif key.startswith(FILTER_PREFIX):
            _set_filter(mapping, key.removeprefix(FILTER_PREFIX), value)
        elif key == FLOW_CONTROL:
            _set(mapping, _FLOW_ENABLED, value == APPLY)
        else:
            rate = space.relative.get(key)
            _set(mapping, key, value if rate is None else float(value) * rates[rate])
    return load_bundle(mapping)


_FLOW_ENABLED = "flow_control.enabled"


def _set_filter(mapping: dict[str, Any], path: str, value: Value) -> None:
    """Append a filter that is applied, or set a parameter of the one appended last."""
    name, _, key = path.partition(".")
    filters = mapping.setdefault("routing", {}).setdefault("filters", [])
    if key != "use":
        filters[-1]["parameters"][key] = value
    elif value == APPLY:
        filters.append({"name": name, "parameters": {}})


def encode(space: Space, bundle: PolicyBundle, scenario: Scenario, rates: Mapping[str, float]) -> Genome | None:
    """The genome nearest to a bundle as it acts in `scenario`; None if the space has none of its templates.

    Weights are scaled so that the largest is 1: an arg-max does not see the scale. The bundle itself need
    not lie on the genome's point; a baseline is evaluated as its own bundle.
    """
    effective = _space_values(scenario, bundle)
    if any(effective.get(key) != value for key, value in policy_mapping(load_bundle(space.fixed)).items()):
        return None
    top = max((value for key, value in effective.items() if key.startswith(SCORER_PREFIX)), default=1.0)
    genome: Genome = {}
    for key, parameter in space.parameters.items():
        if not space.is_active(key, genome):
            continue
        value = effective.get(key)
        if key.startswith(SCORER_PREFIX):
            value = (value or 0.0) / top
        elif value is not None and key in space.relative:
            value = value / rates[space.relative[key]]
        nearest = parameter.nearest(value)
        if nearest is None:
            return None
        genome[key] = nearest
    return None if space.flaw(genome) else genome


def _space_values(scenario: Scenario, bundle: PolicyBundle) -> dict[str, Any]:
    """What a bundle decides in `scenario` by space key, also what its completed form leaves out as a default."""
    applied = apply_bundle(scenario, bundle)
    values: dict[str, Any] = {
        "routing.picker": PICKERS[0],
        "preemption": PREEMPTIONS[0],
        _FLOW_ENABLED: False,
        "routing.filters": [],
    }
    values |= policy_mapping(complete_bundle(scenario, bundle))
    values[FLOW_CONTROL] = APPLY if values[_FLOW_ENABLED] else SKIP
    chosen = dict(values["routing.filters"])
    for name, template in FILTERS.items():
        values[f"{FILTER_PREFIX}{name}.use"] = APPLY if name in chosen else SKIP
        for position, parameter in enumerate(template.bounds):
            values[f"{FILTER_PREFIX}{name}.{parameter}"] = chosen[name][position] if name in chosen else None
    for name in (*CLASS_NAMES, *applied.slo_tiers):
        values |= {f"slo_tiers.{name}.{key}": getattr(applied.tier(name), key) for key in TIER_KEYS}
    return values


def complete_bundle(scenario: Scenario, bundle: PolicyBundle) -> PolicyBundle:
    """Everything that decides in `scenario` under `bundle`, spelled out, and nothing that does not.

    Two bundles that act alike for different reasons (a key left out, a default repeated, parameters of a
    template that is not chosen) become equal, and so do their ids. What few bundles use (filters, the gateway
    queue, …) is spelled out only where the scenario or the bundle differs from the default.
    """
    applied = apply_bundle(scenario, bundle)
    instance = applied.instance
    return load_bundle(
        {
            "admission": _admission(applied),
            "flow_control": _flow_control(scenario, applied),
            "routing": _routing(scenario, applied),
            "priority": _with_parameters(
                "policy", "parameters", PRIORITIES, instance.priority, instance.priority_parameters
            ),
            **_with_parameters(
                "scheduler", "scheduler_parameters", SCHEDULERS, instance.scheduler, instance.scheduler_parameters
            ),
            "preemption": _unless_default(scenario.instance.preemption, instance.preemption, PREEMPTIONS[0]),
            "slo_tiers": {
                name: vars(tier)
                for name, tier in applied.slo_tiers.items()
                if not tier == scenario.tier(name) == default_tier(name)
            },
            "engine": _engine(applied),
        }
    )


def _with_parameters(
    key: str, parameters_key: str, registry: Registry, name: str, parameters: Mapping[str, float]
) -> dict[str, Any]:
    """A template with all its parameters, by the bundle's keys for the two."""
    spelled_out = dict(zip(registry[name].bounds, registry.values(name, parameters), strict=True))
    return {key: name, parameters_key: spelled_out or None}


def _unless_default(before: Any, after: Any, default: Any) -> Any:
    """`after` where it has to be said: None if a bundle that leaves it out gives the default."""
    return None if before == after == default else after


def _admission(applied: Scenario) -> dict[str, Any]:
    admission = applied.cluster.admission
    if not admission.has_bucket:
        return _with_parameters("policy", "parameters", ADMISSION, admission.policy, admission.parameters)
    bucket = admission.token_bucket
    return {
        "policy": admission.policy,
        "token_bucket_capacity": bucket.capacity_tokens,
        "token_bucket_refill_rate": bucket.refill_tokens_per_s,
    }


def _flow_control(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """The gateway queue, and of its thresholds those that its detector reads."""
    flow = applied.cluster.flow_control
    if not flow.enabled:
        return {"enabled": False} if scenario.cluster.flow_control.enabled else {}
    idle = {name for detector, names in _DETECTOR_KEYS.items() if detector != flow.detector for name in names}
    return {name: value for name, value in vars(flow).items() if name not in idle}


_DETECTOR_KEYS = {"concurrency": ("max_concurrency",), "utilization": ("queue_threshold", "kv_threshold")}


def _routing(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    routing, before = applied.cluster.routing, scenario.cluster.routing
    mapping = _with_parameters("policy", "parameters", ROUTING, routing.policy, routing.parameters)
    if routing.policy != "round-robin":
        mapping["tie_break"] = routing.tie_break
    if routing.policy == "weighted":
        mapping["scorers"] = [{"name": s.name, "weight": s.weight} for s in routing.scorers]
        mapping["picker"] = _unless_default(before.picker, routing.picker, PICKERS[0])
    if routing.filters or before.filters:
        mapping["filters"] = [
            {
                "name": f.name,
                "parameters": dict(zip(FILTERS[f.name].bounds, FILTERS.values(f.name, f.parameters), strict=True)),
            }
            for f in routing.filters
        ]
    return mapping


def _engine(applied: Scenario) -> dict[str, Any]:
    """The knobs on which all pools agree; a bundle has no way to say the others, and must not level them."""
    batches = [applied.instance.batch] + [pool.batch for pool in applied.pools if pool.batch is not None]
    return {
        name: getattr(batches[0], name)
        for name in BundleEngine.__dataclass_fields__
        if len({getattr(batch, name) for batch in batches}) == 1
    }


def policy_mapping(bundle: PolicyBundle) -> dict[str, Any]:
    """The set values of a bundle by space key; filters under `routing.filters`, with all their parameters."""
    values = dict(_flat(bundle_mapping(replace(bundle, provenance={})), ""))
    for scorer in values.pop("routing.scorers", ()):
        values[SCORER_PREFIX + scorer["name"]] = scorer["weight"]
    if bundle.routing.filters is not None:
        values["routing.filters"] = [(f.name, FILTERS.values(f.name, f.parameters)) for f in bundle.routing.filters]
    return values


def _flat(mapping: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by dotted key."""
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield path + name, value


def policy_id(scenario: Scenario, bundle: PolicyBundle) -> str:
    """The name of a policy in files: the first digits of the digest of its completed bundle."""
    return bundle_digest(complete_bundle(scenario, bundle))[:GENOME_ID_DIGITS]


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
