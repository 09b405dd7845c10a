"""Who gets in and who waits at the gateway: a bundle's `admission` and `flow_control` as plugins."""

from __future__ import annotations

from typing import Any

from blis.config import FlowControl, PriorityBand
from blis.deploy.counterparts import ADMITTER, CONCURRENCY, DETECTOR, FAIRNESS, NEVER_FULL, NEVER_QUEUED, ORDERINGS
from blis.deploy.draft import Draft
from blis.deploy.export_routing import no_counterpart
from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.bundle import BundleAdmission, BundleFlowControl, given_fields

_SHEDS_BELOW = 0.0  # llm-d: requests of a priority below 0 may be shed


def write_admission(admission: BundleAdmission, draft: Draft, *, gateway: bool) -> None:
    """Add what decides who gets in. gateway: whether requests wait there, which turns the router's own shedding off."""
    policy = admission.policy or "always-admit"
    if admission.policy is None:
        draft.notes.add("admission: not in the bundle, written as always-admit, what a scenario has by default")
    values = ADMISSION.named_values(policy, admission.parameters or {})
    if values.get("min_priority", _SHEDS_BELOW) != _SHEDS_BELOW:
        problem = f"admission.parameters.min_priority {values['min_priority']:g} has no counterpart"
        raise InputError(f"{problem} in {draft.dialect.product}; the nearest is {_SHEDS_BELOW:g}")
    if policy in ("utilization-shed", "concurrency-shed"):
        if gateway:
            raise InputError(
                f"admission.policy {policy!r} has no counterpart beside flow_control; the nearest is always-admit"
            )
        _detector(draft, "concurrency" if policy == "concurrency-shed" else "utilization", values)
    elif policy in ("always-admit", "probabilistic"):
        if policy == "probabilistic":
            _admitter(draft, values)
        if not gateway:
            draft.notes.add(f"admission {policy}: {DETECTOR} still sheds while all KV caches are entirely full")
            _detector(draft, "never", {})
    else:
        raise no_counterpart("admission.policy", policy, draft.dialect.product)


def write_flow_control(given: BundleFlowControl, draft: Draft) -> None:
    """Add the gateway queue, if the bundle switches it on."""
    if not given.enabled:
        return
    if draft.dialect.old:
        problem = f"flow_control has no counterpart in {draft.dialect.product}, whose queue limits bytes, not requests"
        raise InputError(f"{problem}; the nearest is no flow_control, or another --dialect")
    flow = FlowControl(**given_fields(given))
    if flow.bands != "strict":
        raise InputError(
            f"flow_control.bands {flow.bands!r} has no counterpart in {draft.dialect.product}; the nearest is 'strict'"
        )
    if flow.ordering == "deadline":
        draft.notes.add("flow_control.ordering deadline: requests must carry the header x-llm-d-slo-ttft-ms")
    if flow.interval_us != FlowControl().interval_us:
        draft.notes.add(f"flow_control.interval_us {flow.interval_us}: the router looks about every millisecond")
    if flow.detector == "never":
        draft.notes.add(f"flow_control.detector never: {DETECTOR} holds back while all KV caches are entirely full")
    draft.parts["gate"] = True
    draft.parts["flowControl"] = {
        "defaultRequestTTL": _duration(flow.ttl_us),
        "defaultPriorityBand": _policies(flow, flow.max_requests_per_band, draft),
        **_bands(flow, draft),
    }
    _detector(draft, flow.detector, vars(flow))


def _detector(draft: Draft, detector: str, values: dict[str, Any]) -> None:
    """The saturation detector, where the dialect has it."""
    if detector == "concurrency":
        kind = CONCURRENCY
        parameters = {"maxConcurrency": draft.number(kind, "maxConcurrency", values["max_concurrency"])}
    else:
        kind = DETECTOR
        never = detector == "never"
        queued, full = (NEVER_QUEUED, NEVER_FULL) if never else (values["queue_threshold"], values["kv_threshold"])
        given = {"queueDepthThreshold": queued, "kvCacheUtilThreshold": full}
        parameters = {key: draft.number(kind, key, value) for key, value in given.items()}
    if not draft.dialect.old:
        reference = {"pluginRef": draft.plugin(kind, parameters)}
        draft.parts.setdefault("flowControl", {})["saturationDetector"] = reference
    elif kind == DETECTOR:
        draft.parts["saturationDetector"] = parameters
    else:
        raise no_counterpart("detector", detector, draft.dialect.product)


def _admitter(draft: Draft, values: dict[str, float]) -> None:
    if draft.dialect.old:
        raise no_counterpart("admission.policy", "probabilistic", draft.dialect.product)
    kind = "probabilistic-admitter"
    for name in ("power", "k"):
        if not values[name]:
            raise InputError(f"admission.parameters.{name} 0 has no counterpart; the nearest is a small number above 0")
    draft.plugin(kind, {theirs: draft.number(kind, theirs, values[ours]) for ours, theirs in ADMITTER.items()})


def _bands(flow: FlowControl, draft: Draft) -> dict[str, Any]:
    """`priorityBands`, each complete: one that is listed takes nothing from the default band."""
    if not flow.priority_bands:
        return {}
    return {"priorityBands": [_band(flow, band, draft) for band in flow.priority_bands]}


def _band(flow: FlowControl, band: PriorityBand, draft: Draft) -> dict[str, Any]:
    if band.priority != int(band.priority):
        problem = f"flow_control.priority_bands: priority {band.priority:g} has no counterpart"
        raise InputError(f"{problem}; the nearest is {round(band.priority)}")
    ttl = {} if band.ttl_us is None else {"defaultRequestTTL": _duration(band.ttl_us)}
    requests = flow.band(band.priority).max_requests
    assert requests is not None
    return {"priority": int(band.priority), **_policies(flow, requests, draft), **ttl}


def _policies(flow: FlowControl, requests: int, draft: Draft) -> dict[str, Any]:
    return {
        "maxRequests": str(requests),
        "fairnessPolicyRef": draft.plugin(FAIRNESS[flow.fairness]),
        "orderingPolicyRef": draft.plugin(ORDERINGS[flow.ordering]),
    }


def _duration(microseconds: int) -> str:
    """Go's form of a time; 0 is for ever there, too."""
    whole, rest = divmod(microseconds, 1_000_000)
    return f"{microseconds}us" if rest else f"{whole}s"
