"""One candidate policy as it acts in a scenario: what it decides, spelled out, and the name that follows from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from blis.config import PICKERS, PREEMPTIONS, FlowControl, Profile, Routing, Scenario, default_tier
from blis.policies.admission import ADMISSION
from blis.policies.bundle import (
    BundleAdmission,
    BundleEngine,
    BundlePriority,
    BundleRouting,
    PolicyBundle,
    bundle_digest,
)
from blis.policies.filters import FILTERS
from blis.policies.priority import PRIORITIES
from blis.policies.registry import Registry
from blis.policies.routing import ROUTING
from blis.policies.schedulers import SCHEDULERS
from blis.policies.scorers import SCORERS
from blis.scenario import apply_bundle
from blis.yaml_strict import build

Parameters = Mapping[str, float]

ID_DIGITS = 12  # of a SHA-256, in hex

_BAND_KEYS = ("bands", "priority_bands")
_DETECTOR_KEYS = {"concurrency": ("max_concurrency",), "utilization": ("queue_threshold", "kv_threshold")}


@dataclass(frozen=True)
class Policy:
    """A policy bundle in one scenario, worked out once.

    bundle: as it was given; complete: everything that decides there, spelled out, and nothing that does not.
    scenario: what is simulated. id: the same for policies that act alike; what files call a genome_id.
    """

    bundle: PolicyBundle
    complete: PolicyBundle
    scenario: Scenario
    id: str

    def spelled_out(self) -> Policy:
        """The same, given by its complete bundle."""
        return replace(self, bundle=self.complete)


def make_policy(scenario: Scenario, bundle: PolicyBundle, over: Policy | None = None) -> Policy:
    """What a bundle makes of a scenario. Raises InputError if the two do not go together.

    over: a policy in that scenario, which has what the bundle leaves out, parameters of its templates too.
    """
    applied = apply_bundle(scenario, bundle) if over is None else _laid_over(over.scenario, bundle)
    complete = _complete(scenario, applied)
    return Policy(bundle, complete, applied, bundle_digest(complete)[:ID_DIGITS])


def _laid_over(before: Scenario, bundle: PolicyBundle) -> Scenario:
    """The scenario with what a bundle sets; a template that stays keeps the parameters that the bundle leaves out."""
    cluster, instance = before.cluster, before.instance
    admission, routing, priority = bundle.admission, bundle.routing, bundle.priority
    filled = replace(
        bundle,
        admission=replace(
            admission, parameters=_kept(admission, cluster.admission.policy, cluster.admission.parameters)
        ),
        routing=replace(routing, parameters=_kept(routing, cluster.routing.policy, cluster.routing.parameters)),
        priority=replace(priority, parameters=_kept(priority, instance.priority, instance.priority_parameters)),
    )
    if bundle.scheduler == instance.scheduler:
        scheduler = {**instance.scheduler_parameters, **(bundle.scheduler_parameters or {})}
        filled = replace(filled, scheduler_parameters=scheduler)
    return apply_bundle(before, filled)


def _kept(given: BundleAdmission | BundleRouting | BundlePriority, policy: str, parameters: Parameters) -> Any:
    """The parameters of a bundle's template, with those of a policy in place if it is the same one."""
    return {**parameters, **(given.parameters or {})} if given.policy == policy else given.parameters


def _complete(scenario: Scenario, applied: Scenario) -> PolicyBundle:
    """The bundle that turns `scenario` into `applied`, with every parameter of the templates that are chosen.

    Two bundles that act alike for different reasons (a key left out, a default repeated, parameters of a
    template that is not chosen) become equal, and so do their ids. What few bundles use (filters, the gateway
    queue, …) is spelled out only where either scenario differs from the default.
    """
    admission, instance = applied.cluster.admission, applied.instance
    before, routing = scenario.cluster, applied.cluster.routing
    return build(
        PolicyBundle,
        {
            "admission": _with_parameters("policy", "parameters", ADMISSION, admission.policy, admission.parameters),
            "flow_control": _flow_control(scenario, applied),
            "retries": _retries(scenario, applied),
            "breaker": _breaker(scenario, applied),
            "hedging": _hedging(scenario, applied),
            "autoscaling": _autoscaling(scenario, applied),
            "routing": {**_choice(before.routing, routing), **_filters(before.routing, routing)},
            "disaggregation": _disaggregation(scenario, applied),
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
        },
    )


def _with_parameters(
    key: str, parameters_key: str, registry: Registry, name: str, parameters: Parameters
) -> dict[str, Any]:
    """A template with all its parameters, by the bundle's keys for the two."""
    return {key: name, parameters_key: registry.named_values(name, parameters) or None}


def _unless_default(before: Any, after: Any, default: Any) -> Any:
    """`after` where it has to be said: None if a bundle that leaves it out gives the default."""
    return None if before == after == default else after


def _flow_control(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """The gateway queue, of its thresholds those that its detector reads, and of bands what is not the default."""
    flow, before = applied.cluster.flow_control, scenario.cluster.flow_control
    if not flow.enabled:
        return {"enabled": False} if before.enabled else {}
    idle = {name for detector, names in _DETECTOR_KEYS.items() if detector != flow.detector for name in names}
    idle |= {
        name for name in _BAND_KEYS if getattr(flow, name) == getattr(before, name) == getattr(FlowControl(), name)
    }
    return {name: value for name, value in vars(flow).items() if name not in idle}


def _retries(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """Whether requests are sent again, where any may be."""
    if not applied.cluster.retries.limit:
        return {"limit": 0} if scenario.cluster.retries.limit else {}
    return dict(vars(applied.cluster.retries))


def _breaker(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """When an instance that fails is left alone, where any may be."""
    if not applied.cluster.breaker.failures:
        return {"failures": 0} if scenario.cluster.breaker.failures else {}
    return dict(vars(applied.cluster.breaker))


def _hedging(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """Whether copies of slow requests are sent, where any may be."""
    if not applied.cluster.hedging.any:
        return {"after_us": 0} if scenario.cluster.hedging.any else {}
    return dict(vars(applied.cluster.hedging))


def _autoscaling(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """How many instances there are, where they may come and go."""
    scaling = applied.cluster.autoscaling
    if not scaling.any:
        return {"maximum": 0} if scenario.cluster.autoscaling.any else {}
    return dict(vars(scaling))


def _disaggregation(scenario: Scenario, applied: Scenario) -> dict[str, Any]:
    """Who prefills for whom, of the rest what the decider reads; nothing where no instance ever has a role."""
    given, before = applied.cluster.disaggregation, scenario.cluster.disaggregation
    instances = {"prefill_instances": given.prefill_instances}
    if not applied.apart:
        return instances if scenario.apart else {}
    found: dict[str, Any] = {"decider": given.decider}
    if given.prefill_instances or before.prefill_instances:
        found |= instances
    if given.decider == "uncached-tokens":
        found["uncached_tokens"] = given.uncached_tokens
    if given.decider != "never" and given.prefill is not None:
        plain = before.prefill or Profile()
        found["prefill"] = {**_choice(plain, given.prefill), **_filters(plain, given.prefill)}
    return found


def _choice(before: Routing | Profile, routing: Routing | Profile) -> dict[str, Any]:
    """How an instance is chosen among those that filters leave."""
    mapping = _with_parameters("policy", "parameters", ROUTING, routing.policy, routing.parameters)
    if routing.policy != "round-robin":
        mapping["tie_break"] = routing.tie_break
    if routing.policy == "weighted":
        mapping["scorers"] = [
            {"name": s.name, "weight": s.weight, "parameters": SCORERS.named_values(s.name, s.parameters)}
            for s in routing.scorers
        ]
        mapping["picker"] = _unless_default(before.picker, routing.picker, PICKERS[0])
    return mapping


def _filters(before: Routing | Profile, routing: Routing | Profile) -> dict[str, Any]:
    """The filters, where there are any before or after."""
    if not routing.filters and not before.filters:
        return {}
    named = [(each.name, FILTERS.named_values(each.name, each.parameters)) for each in routing.filters]
    return {"filters": [{"name": name, "parameters": parameters} for name, parameters in named]}


def _engine(applied: Scenario) -> dict[str, Any]:
    """The knobs on which all pools agree; a bundle has no way to say the others, and must not level them."""
    batches = [applied.instance.batch] + [pool.batch for pool in applied.pools if pool.batch is not None]
    return {
        name: getattr(batches[0], name)
        for name in BundleEngine.__dataclass_fields__
        if len({getattr(batch, name) for batch in batches}) == 1
    }
