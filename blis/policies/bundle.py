"""The policy bundle: one candidate policy as a small YAML file (cluster-and-policies.md section 7).

The original's keys, and ours on top: parameters of each template, gateway queue, filters, picker, ties,
preemption, SLO tiers, `engine` knobs, `provenance`. Every key may be left out; what is left out (or given as
"") keeps the scenario's value. Parameters belong to the policy that is named beside them: they need one, and
a policy named without parameters has its defaults.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from blis.config import (
    PREEMPTIONS,
    Autoscaling,
    Batch,
    Breaker,
    Cluster,
    Disaggregation,
    Filter,
    FlowControl,
    Hedging,
    PriorityBand,
    Retries,
    Routing,
    Scenario,
    Scorer,
    SloTier,
)
from blis.errors import InputError, check_choice
from blis.policies import legacy_bucket
from blis.policies.admission import ADMISSION
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from blis.yaml_strict import build, check_mapping, load_mapping, named_source, plain

_Parameters = dict[str, float]
_Named = TypeVar("_Named", Scorer, Filter)


def _unset_if_empty(part: object, *names: str) -> None:
    """Turn "" and empty lists into None, so that there is one way to say unset."""
    for name in names:
        if not getattr(part, name):
            object.__setattr__(part, name, None)


def _own_parameters(registry: Registry, policy: str | None, given: _Parameters | None, key: str) -> _Parameters | None:
    """Parameters of a policy in their declared order, None if there are none; checked by name and bounds.

    key: where they stand, for the error if no policy is named.
    """
    if not given:
        return None
    if policy is None:
        raise InputError(f"{key} is given without a policy; parameters belong to the policy that is named beside them")
    registry.values(policy, given)
    return {name: given[name] for name in registry[policy].bounds if name in given}


@dataclass(frozen=True)
class BundleAdmission:
    """Who gets in. A bucket's parameters need no policy beside them: they are for the scenario's bucket."""

    policy: str | None = None
    parameters: _Parameters | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Check the name and the parameters."""
        _unset_if_empty(self, "policy")
        if self.policy is not None:
            ADMISSION.code(self.policy)
        policy = legacy_bucket.owner(self.policy, self.parameters)
        ordered = _own_parameters(ADMISSION, policy, self.parameters, "admission.parameters")
        object.__setattr__(self, "parameters", ordered)


@dataclass(frozen=True)
class BundleFlowControl:
    """The gateway queue: keys and units as in a scenario's `cluster.flow_control`."""

    enabled: bool | None = None
    detector: str | None = None
    max_concurrency: float | None = None
    queue_threshold: float | None = None
    kv_threshold: float | None = None
    ordering: str | None = None
    fairness: str | None = None
    bands: str | None = None
    priority_bands: tuple[PriorityBand, ...] | None = None  # () = none; None = the scenario's
    max_requests_per_band: int | None = None
    ttl_us: int | None = None
    interval_us: int | None = None

    def __post_init__(self) -> None:
        """Check names and numbers."""
        _unset_if_empty(self, "detector", "ordering", "fairness", "bands")
        FlowControl(**given_fields(self))


@dataclass(frozen=True)
class BundleRouting:
    """Where requests go. Scorers are checked whatever the policy is."""

    policy: str | None = None
    scorers: tuple[Scorer, ...] | None = None
    tie_break: str | None = None
    filters: tuple[Filter, ...] | None = None  # () = none; None = the scenario's
    parameters: _Parameters | None = field(default=None, hash=False)
    picker: str | None = None

    def __post_init__(self) -> None:
        """Check names and parameters, and that no scorer or filter is there twice."""
        _unset_if_empty(self, "policy", "scorers", "tie_break", "picker")
        ordered = _own_parameters(ROUTING, self.policy, self.parameters, "routing.parameters")
        object.__setattr__(self, "parameters", ordered)
        for name, registry in (("scorers", SCORERS), ("filters", FILTERS)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(_ordered(registry, one) for one in getattr(self, name)))
        Routing(**{"policy": "weighted", **given_fields(self)})  # the policy that goes with every picker


@dataclass(frozen=True)
class BundleDisaggregation:
    """Who has its prompt computed elsewhere, and where: keys and units as in a scenario's `cluster.disaggregation`."""

    decider: str | None = None
    uncached_tokens: int | None = None
    prefill_instances: int | None = None
    prefill: BundleRouting | None = None  # None: as the scenario has it, or as `routing` says

    def __post_init__(self) -> None:
        """Check the name and the numbers."""
        _unset_if_empty(self, "decider")
        given = given_fields(self)
        Disaggregation(**{name: value for name, value in given.items() if name != "prefill"})


@dataclass(frozen=True)
class BundleRetries:
    """Whether requests are sent again: keys and units as in a scenario's `cluster.retries`."""

    limit: int | None = None
    budget: float | None = None
    saved: float | None = None
    backoff_us: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        Retries(**given_fields(self))


@dataclass(frozen=True)
class BundleBreaker:
    """When an instance that fails is left alone: keys and units as in a scenario's `cluster.breaker`."""

    failures: int | None = None
    open_us: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        Breaker(**given_fields(self))


@dataclass(frozen=True)
class BundleHedging:
    """Whether copies of slow requests are sent: keys and units as in a scenario's `cluster.hedging`."""

    after_us: int | None = None
    budget: float | None = None
    saved: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        Hedging(**given_fields(self))


@dataclass(frozen=True)
class BundleAutoscaling:
    """How many instances there are: keys and units as in a scenario's `cluster.autoscaling`."""

    minimum: int | None = None
    maximum: int | None = None
    queue_depth: float | None = None
    kv_utilization: float | None = None
    busy_utilization: float | None = None
    concurrency: float | None = None
    requests_per_s: float | None = None
    tolerance: float | None = None
    sync_us: int | None = None
    up_window_us: int | None = None
    up_instances: int | None = None
    up_percent: float | None = None
    up_period_us: int | None = None
    down_window_us: int | None = None
    down_instances: int | None = None
    down_percent: float | None = None
    down_period_us: int | None = None
    drain_us: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        Autoscaling(**given_fields(self))


@dataclass(frozen=True)
class BundlePriority:
    """How a waiting request's priority is computed."""

    policy: str | None = None
    parameters: _Parameters | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        """Check the name and the parameters."""
        _unset_if_empty(self, "policy")
        if self.policy is not None:
            PRIORITIES.code(self.policy)
        ordered = _own_parameters(PRIORITIES, self.policy, self.parameters, "priority.parameters")
        object.__setattr__(self, "parameters", ordered)


@dataclass(frozen=True)
class BundleTier:
    """What one class stands for; what is left out is as the scenario, or the class's name, has it."""

    priority: float | None = None
    weight: float | None = None
    ttft_ms: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        SloTier(**given_fields(self))


@dataclass(frozen=True)
class BundleEngine:
    """Engine knobs: tokens a step, requests in the batch, cap on one request's prefill tokens a step, draft tokens."""

    max_scheduled_tokens: int | None = None
    max_running: int | None = None
    long_prefill_threshold: int | None = None  # 0 = off
    speculative_tokens: int | None = None  # 0 = off

    def __post_init__(self) -> None:
        """Check limits."""
        Batch(**given_fields(self))


@dataclass(frozen=True)
class PolicyBundle:
    """One candidate policy. `provenance` is where it came from, plain YAML values; it changes no decision."""

    admission: BundleAdmission = field(default_factory=BundleAdmission)
    flow_control: BundleFlowControl = field(default_factory=BundleFlowControl)
    routing: BundleRouting = field(default_factory=BundleRouting)
    disaggregation: BundleDisaggregation = field(default_factory=BundleDisaggregation)
    retries: BundleRetries = field(default_factory=BundleRetries)
    breaker: BundleBreaker = field(default_factory=BundleBreaker)
    hedging: BundleHedging = field(default_factory=BundleHedging)
    autoscaling: BundleAutoscaling = field(default_factory=BundleAutoscaling)
    priority: BundlePriority = field(default_factory=BundlePriority)
    scheduler: str | None = None
    scheduler_parameters: _Parameters | None = field(default=None, hash=False)
    preemption: str | None = None
    slo_tiers: dict[str, BundleTier] = field(default_factory=dict, hash=False)
    engine: BundleEngine = field(default_factory=BundleEngine)
    provenance: dict[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Check the scheduler's name and parameters, and the kind of preemption."""
        _unset_if_empty(self, "scheduler", "preemption")
        if self.scheduler is not None:
            SCHEDULERS.code(self.scheduler)
        ordered = _own_parameters(SCHEDULERS, self.scheduler, self.scheduler_parameters, "scheduler_parameters")
        object.__setattr__(self, "scheduler_parameters", ordered)
        if self.preemption is not None:
            check_choice("preemption", self.preemption, PREEMPTIONS)
        declared = {name: tier for name, tier in sorted(self.slo_tiers.items()) if given_fields(tier)}
        object.__setattr__(self, "slo_tiers", declared)


#: Keys of a scenario that are none of a bundle, by the last part of their names.
_DEPLOYMENT = {
    one.name: f"{path}{one.name}"
    for path, part in (("", Scenario), ("cluster.", Cluster))
    for one in fields(part)
    if one.name not in {own.name for own in fields(PolicyBundle)}
}


def load_bundle(source: str | Path | Mapping[str, Any]) -> PolicyBundle:
    """A bundle from a YAML file or a mapping; an empty one is a bundle that changes nothing.

    Raises InputError naming file, key, value and valid choices.
    """
    if isinstance(source, str | Path):
        with named_source(source):
            return load_bundle(load_mapping(source))
    mapping = {key: value for key, value in check_mapping(source, "policy bundle").items() if value is not None}
    if "admission" in mapping:
        mapping["admission"] = legacy_bucket.read_bundle(mapping["admission"])
    for key in (key for key in mapping if key in _DEPLOYMENT):
        raise InputError(f"unknown key {key!r}: a scenario says it, as {_DEPLOYMENT[key]!r}, and no policy changes it")
    return build(PolicyBundle, mapping)


def bundle_mapping(bundle: PolicyBundle) -> dict[str, Any]:
    """The canonical mapping of a bundle: keys in a fixed order, unset ones left out, 3.0 written as 3.

    Equal bundles give equal mappings, and `load_bundle` reads them back equal.
    """
    mapping = {key: value for key, value in plain(bundle).items() if value not in ({}, [])}
    if "admission" in mapping:
        mapping["admission"] = legacy_bucket.bundle_file(mapping["admission"])
    for routing in (mapping.get("routing", {}), mapping.get("disaggregation", {}).get("prefill", {})):
        for one in (*routing.get("scorers", ()), *routing.get("filters", ())):
            if not one["parameters"]:
                del one["parameters"]
    provenance = mapping.pop("provenance", None)
    mapping = _canonical_numbers(mapping)
    return mapping if provenance is None else {**mapping, "provenance": provenance}


def bundle_digest(bundle: PolicyBundle) -> str:
    """SHA-256 of what a bundle decides, in hex; its provenance is left out."""
    mapping = bundle_mapping(bundle)
    mapping.pop("provenance", None)
    return hashlib.sha256(json.dumps(mapping, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def given_fields(part: Any) -> dict[str, Any]:
    """The fields of a part of a bundle that are set, by name."""
    return {name: getattr(part, name) for name in part.__dataclass_fields__ if getattr(part, name) is not None}


def _ordered(registry: Registry, one: _Named) -> _Named:
    """A scorer or filter with its parameters in their declared order."""
    ordered = {name: one.parameters[name] for name in registry[one.name].bounds if name in one.parameters}
    return replace(one, parameters=ordered)


def _canonical_numbers(value: Any) -> Any:
    """Whole floats as integers, in nested plain objects."""
    if isinstance(value, dict):
        return {key: _canonical_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
