"""A policy bundle as an EndpointPickerConfig."""

from __future__ import annotations

from typing import Any

from blis.deploy.dialects import Dialect
from blis.deploy.draft import Draft
from blis.deploy.export_control import write_admission, write_flow_control
from blis.deploy.export_routing import write_routing
from blis.deploy.notes import Notes
from blis.policies.bundle import PolicyBundle, given_fields


def export_epp(bundle: PolicyBundle, dialect: Dialect, notes: Notes) -> dict[str, Any]:
    """The mapping of the file. Raises InputError for what the router does not have, with the nearest that it has."""
    draft = Draft(dialect, notes)
    write_routing(bundle.routing, draft)
    write_admission(bundle.admission, draft, gateway=bool(bundle.flow_control.enabled))
    write_flow_control(bundle.flow_control, draft)
    for name, tier in bundle.slo_tiers.items():
        if tier.priority is not None:
            notes.add(f"slo_tiers.{name}.priority {tier.priority:g}: an InferenceObjective gives it, not this file")
    if given_fields(bundle.disaggregation):
        notes.add("disaggregation: not in this file; it takes a disagg-profile-handler with a profile of each kind")
    if given_fields(bundle.retries):
        notes.add("retries: those of the proxy before the router, not in this file")
    if given_fields(bundle.breaker):
        notes.add("breaker: the outlier detection of the proxy before the router, not in this file")
    if given_fields(bundle.hedging):
        notes.add("hedging: the hedge policy of the proxy before the router, not in this file")
    if given_fields(bundle.autoscaling):
        notes.add("autoscaling: a HorizontalPodAutoscaler, not in this file")
    if given_fields(bundle.engine) or bundle.scheduler:
        notes.add("engine, scheduler, preemption: arguments of the engine (--target vllm), not in this file")
    return draft.mapping()
