"""Genome <-> policy bundle: what a point of the search space means, and where a bundle lies in the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.config import Scenario
from blis.errors import InputError
from blis.policies.bundle import PolicyBundle, bundle_digest, load_bundle
from blis.scenario import apply_bundle
from search.parameters import Value
from search.space import SCORER_PREFIX, Genome, Space

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
        else:
            rate = space.relative.get(key)
            _set(mapping, key, value if rate is None else float(value) * rates[rate])
    return load_bundle(mapping)


def encode(space: Space, bundle: PolicyBundle, scenario: Scenario, rates: Mapping[str, float]) -> Genome | None:
    """The genome nearest to a bundle as it acts in `scenario`; None if the space has none of its templates.

    Weights are scaled so that the largest is 1: an arg-max does not see the scale. The bundle itself need
    not lie on the genome's point; a baseline is evaluated as its own bundle.
    """
    effective = policy_mapping(complete_bundle(scenario, bundle))
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


def complete_bundle(scenario: Scenario, bundle: PolicyBundle) -> PolicyBundle:
    """Everything that decides in `scenario` under `bundle`, spelled out, and nothing that does not.

    Two bundles that act alike for different reasons (a key left out, a default repeated, parameters of a
    template that is not chosen) become equal, and so do their ids.
    """
    applied = apply_bundle(scenario, bundle)
    admission, routing, batch = applied.cluster.admission, applied.cluster.routing, applied.instance.batch
    mapping: dict[str, Any] = {
        "admission": {"policy": admission.policy},
        "routing": {"policy": routing.policy},
        "priority": {"policy": applied.instance.priority},
        "scheduler": applied.instance.scheduler,
        "engine": {
            "max_scheduled_tokens": batch.max_scheduled_tokens,
            "max_running": batch.max_running,
            "long_prefill_threshold": batch.long_prefill_threshold,
        },
    }
    if admission.policy == "token-bucket":
        mapping["admission"]["token_bucket_capacity"] = admission.token_bucket.capacity_tokens
        mapping["admission"]["token_bucket_refill_rate"] = admission.token_bucket.refill_tokens_per_s
    if routing.policy != "round-robin":
        mapping["routing"]["tie_break"] = routing.tie_break
    if routing.policy == "weighted":
        mapping["routing"]["scorers"] = [{"name": s.name, "weight": s.weight} for s in routing.scorers]
    return load_bundle(mapping)


def policy_mapping(bundle: PolicyBundle) -> dict[str, Any]:
    """The set values of a bundle by space key."""
    values: dict[str, Any] = {
        "admission.policy": bundle.admission.policy,
        "admission.token_bucket_capacity": bundle.admission.token_bucket_capacity,
        "admission.token_bucket_refill_rate": bundle.admission.token_bucket_refill_rate,
        "routing.policy": bundle.routing.policy,
        "routing.tie_break": bundle.routing.tie_break,
        "priority.policy": bundle.priority.policy,
        "scheduler": bundle.scheduler,
        "engine.max_scheduled_tokens": bundle.engine.max_scheduled_tokens,
        "engine.max_running": bundle.engine.max_running,
        "engine.long_prefill_threshold": bundle.engine.long_prefill_threshold,
        **{SCORER_PREFIX + scorer.name: scorer.weight for scorer in bundle.routing.scorers or ()},
    }
    return {key: value for key, value in values.items() if value is not None}


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
