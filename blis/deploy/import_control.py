"""Who gets in and who waits at the gateway: detector, admitters and flow control of a configuration, for a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blis.deploy.config import Config, Plugin
from blis.deploy.counterparts import ADMITTER, CONCURRENCY, DETECTOR, FAIRNESS, NEVER_FULL, NEVER_QUEUED, ORDERINGS
from blis.deploy.import_routing import beyond_defaults, check_given, refused
from blis.deploy.notes import Notes
from blis.deploy.schema import duration_us, quantity
from blis.policies.admission import ADMISSION

_DEFAULT_REQUESTS = 5000  # a band's limit that is not given (flowcontrol/registry)


def read_admission(config: Config, notes: Notes) -> dict[str, Any]:
    """The bundle's `admission`: an admitter, or what the router's detector does to requests that may be shed."""
    admitters = [plugin for plugin in config.declared if plugin.kind == "admitter"]
    detector = _detector(config, notes)
    if admitters:
        return _admitter(config, admitters, detector)
    if config.gate("flowControl") or _never(detector):
        return {"policy": "always-admit"}
    policy = "concurrency-shed" if detector.pop("detector") == "concurrency" else "utilization-shed"
    return _admission(config, _watching(config)[0], policy, detector)


def read_flow_control(config: Config, notes: Notes) -> dict[str, Any]:
    """The bundle's `flow_control`."""
    if not config.gate("flowControl"):
        return {"enabled": False}
    flow = config.part("flowControl")
    _check_simulated(config, flow)
    detector = _detector(config, notes)
    if _never(detector):
        detector = {"detector": "never"}
    explicit = flow.get("priorityBands") or []
    default = flow.get("defaultPriorityBand") or {}
    policies = _policies(config, explicit or [default])
    if explicit and _policies(config, [default]) != policies:
        notes.add("flowControl.priorityBands: their fairness and ordering hold for all other priorities, too")
    if any("maxBytes" in part for part in (flow, default, *explicit)):
        notes.add("flowControl maxBytes: bytes are not simulated, no limit on them holds")
    if "noEndpointRequestTTL" in flow:
        notes.add("flowControl.noEndpointRequestTTL: there are always instances here")
    return {
        "enabled": True,
        **detector,
        **policies,
        "bands": "strict",
        "max_requests_per_band": _requests(default),
        "ttl_us": duration_us(flow["defaultRequestTTL"]) if "defaultRequestTTL" in flow else config.dialect.ttl_us,
        "priority_bands": [_band(band) for band in explicit],
    }


def _admitter(config: Config, admitters: list[Plugin], detector: Mapping[str, Any]) -> dict[str, Any]:
    admitter = admitters[0]
    if admitter.nearest:
        raise refused(config, admitter)
    if len(admitters) > 1:
        raise config.document.wrong(admitters[1].path, "a second admitter cannot be simulated; the nearest is one")
    if not config.gate("flowControl") and not _never(detector):
        problem = "sheds beside the detector, which cannot be simulated; the nearest is the admitter alone, with a"
        raise config.document.wrong(
            admitter.path,
            f"{problem} {DETECTOR} of queueDepthThreshold {NEVER_QUEUED} and kvCacheUtilThreshold {NEVER_FULL:g}",
        )
    return _admission(
        config,
        admitter.path,
        "probabilistic",
        {ours: float(admitter.value(theirs)) for ours, theirs in ADMITTER.items()},
    )


def _admission(config: Config, path: str, policy: str, values: Mapping[str, float]) -> dict[str, Any]:
    """A policy that sheds requests below priority 0, our default and all that the router knows."""
    parameters = beyond_defaults(config, path, ADMISSION, policy, values)
    return {"policy": policy, **({"parameters": parameters} if parameters else {})}


def _detector(config: Config, notes: Notes) -> dict[str, Any]:
    """The saturation detector by our keys: of flow control, at the top of the file, or the router's own."""
    old = config.part("saturationDetector")
    _, plugin = _watching(config)
    if plugin.type == CONCURRENCY:
        check_given(config, plugin, notes, mapped=("maxConcurrency",))
        return {"detector": "concurrency", "max_concurrency": float(plugin.value("maxConcurrency"))}
    check_given(config, plugin, notes, mapped=("queueDepthThreshold", "kvCacheUtilThreshold"))
    return {
        "detector": "utilization",
        "queue_threshold": float(old.get("queueDepthThreshold", plugin.value("queueDepthThreshold"))),
        "kv_threshold": float(old.get("kvCacheUtilThreshold", plugin.value("kvCacheUtilThreshold"))),
    }


def _watching(config: Config) -> tuple[str, Plugin]:
    """The saturation detector, and where its thresholds stand."""
    old = config.part("saturationDetector")
    name = (config.part("flowControl").get("saturationDetector") or {}).get("pluginRef") or old.get("pluginRef")
    plugin = config.plugins[name or DETECTOR]
    return plugin.path or "saturationDetector", plugin


def _never(detector: Mapping[str, Any]) -> bool:
    """Whether a detector's thresholds are out of reach."""
    return detector.get("queue_threshold", 0) >= NEVER_QUEUED and detector.get("kv_threshold", 0) >= NEVER_FULL


def _check_simulated(config: Config, flow: Mapping[str, Any]) -> None:
    """Refuse what the gateway queue here does not have."""
    nearest = {
        "maxRequests": ("a limit on all bands together", "maxRequests of priorityBands"),
        "defaultNegativePriorityBand": ("a template for all negative priorities", "priorityBands"),
        "enableEviction": ("eviction of requests in flight", "enableEviction: false"),
    }
    limit = config.plugins[flow.get("usageLimitPolicyPluginRef") or "static-usage-limit-policy"]
    if limit.nearest:
        raise refused(config, limit)
    check_given(config, limit, Notes())
    for key, (what, near) in nearest.items():
        if flow.get(key):
            raise config.document.wrong(f"flowControl.{key}", f"{what} cannot be simulated; the nearest is {near}")


def _policies(config: Config, bands: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The one ordering and fairness of all bands."""
    ordering = [band.get("orderingPolicyRef") or ORDERINGS["fcfs"] for band in bands]
    fairness = [band.get("fairnessPolicyRef") or FAIRNESS["global-strict"] for band in bands]
    return {
        "ordering": _same(config, ordering, {theirs: ours for ours, theirs in ORDERINGS.items()}),
        "fairness": _same(config, fairness, {theirs: ours for ours, theirs in FAIRNESS.items()}),
    }


def _same(config: Config, names: list[str], ours: Mapping[str, str]) -> str:
    """What all these plugins are here."""
    types = [config.plugins[name].type for name in names]
    for name in names:
        if config.plugins[name].nearest:
            raise refused(config, config.plugins[name])
    if len(set(types)) > 1:
        problem = f"bands of different policies ({', '.join(sorted(set(types)))}) cannot be simulated"
        raise config.document.wrong("flowControl.priorityBands", f"{problem}; the nearest is one for all")
    return ours[types[0]]


def _requests(band: Mapping[str, Any]) -> int:
    """A band's limit; 0 is as not given."""
    return quantity(band.get("maxRequests", 0)) or _DEFAULT_REQUESTS


def _band(band: Mapping[str, Any]) -> dict[str, Any]:
    """What a band has of its own; one that is listed takes nothing from the default band."""
    own: dict[str, Any] = {"priority": float(band["priority"]), "max_requests": _requests(band)}
    return own | ({"ttl_us": duration_us(band["defaultRequestTTL"])} if "defaultRequestTTL" in band else {})
