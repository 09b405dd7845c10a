"""Detectors, admitters and the gateway queue: what they are here."""

import pytest

from blis.config import PriorityBand
from blis.errors import InputError
from tests.blis.deploy.samples import imported, with_plugins

OLD = {"apiVersion": "inference.networking.x-k8s.io/v1alpha1"}
NEVER = {"type": "utilization-detector", "parameters": {"queueDepthThreshold": 999999999, "kvCacheUtilThreshold": 1.0}}


def bundle(*plugins, **parts):
    return imported(with_plugins(*plugins, **parts))[0]


def gateway(*plugins, **flow):
    return bundle(*plugins, featureGates=["flowControl"], flowControl=flow).flow_control


def refusal(*plugins, **parts):
    with pytest.raises(InputError) as error:
        bundle(*plugins, **parts)
    return str(error.value)


@pytest.mark.parametrize(
    ("plugins", "parts", "policy", "parameters"),
    [
        ((), {}, "utilization-shed", None),
        ((NEVER,), {}, "always-admit", None),
        ((), {"featureGates": ["flowControl"]}, "always-admit", None),
        (
            ({"type": "utilization-detector", "parameters": {"queueDepthThreshold": 9}},),
            {},
            "utilization-shed",
            {"queue_threshold": 9},
        ),
        (
            ({"type": "concurrency-detector", "name": "mine", "parameters": {"maxConcurrency": 40}},),
            {"flowControl": {"saturationDetector": {"pluginRef": "mine"}}},
            "concurrency-shed",
            {"max_concurrency": 40},
        ),
        (
            (),
            OLD | {"saturationDetector": {"queueDepthThreshold": 7, "kvCacheUtilThreshold": 0.5}},
            "utilization-shed",
            {"queue_threshold": 7, "kv_threshold": 0.5},
        ),
        (
            (NEVER, {"type": "probabilistic-admitter", "parameters": {"power": 2, "k": 10}}),
            {},
            "probabilistic",
            {"power": 2, "k": 10},
        ),
    ],
)
def test_admission(plugins, parts, policy, parameters):
    found = bundle(*plugins, **parts).admission
    assert (found.policy, found.parameters) == (policy, parameters)


def test_an_admitter_beside_a_detector_in_reach_is_refused():
    message = refusal({"type": "probabilistic-admitter"})
    assert "sheds beside the detector" in message
    assert "queueDepthThreshold 999999999 and kvCacheUtilThreshold 1" in message


def test_the_gateway_queue_by_default():
    flow = gateway()
    assert (flow.enabled, flow.detector, flow.queue_threshold, flow.kv_threshold) == (True, "utilization", 5, 0.8)
    assert (flow.ordering, flow.fairness, flow.bands) == ("fcfs", "global-strict", "strict")
    assert (flow.max_requests_per_band, flow.ttl_us, flow.priority_bands) == (5000, 60_000_000, ())


def test_the_older_dialect_waits_for_ever_by_default():
    assert bundle(**OLD, featureGates=["flowControl"]).flow_control.ttl_us == 0


def test_the_gateway_queue_in_full():
    flow = gateway(
        {"type": "concurrency-detector", "parameters": {"maxConcurrency": 64}},
        {"type": "round-robin-fairness-policy", "name": "turns"},
        {"type": "slo-deadline-ordering-policy"},
        saturationDetector={"pluginRef": "concurrency-detector"},
        defaultRequestTTL="1m30s",
        defaultPriorityBand={
            "maxRequests": "1k",
            "fairnessPolicyRef": "turns",
            "orderingPolicyRef": "slo-deadline-ordering-policy",
        },
    )
    assert (flow.detector, flow.max_concurrency, flow.queue_threshold) == ("concurrency", 64, None)
    assert (flow.ordering, flow.fairness) == ("deadline", "round-robin")
    assert (flow.max_requests_per_band, flow.ttl_us) == (1000, 90_000_000)


def test_bands_that_are_listed_take_nothing_from_the_default():
    flow = gateway(
        defaultPriorityBand={"maxRequests": "7"},
        priorityBands=[{"priority": 4, "defaultRequestTTL": "2s"}, {"priority": -2, "maxRequests": "30"}],
    )
    assert flow.priority_bands == (
        PriorityBand(4, ttl_us=2_000_000, max_requests=5000),
        PriorityBand(-2, max_requests=30),
    )


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        ({"maxRequests": "1k"}, "a limit on all bands together cannot be simulated"),
        ({"enableEviction": True}, "eviction of requests in flight cannot be simulated"),
        ({"defaultNegativePriorityBand": {"maxRequests": "9"}}, "a template for all negative priorities"),
        (
            {"priorityBands": [{"priority": 1, "fairnessPolicyRef": "round-robin-fairness-policy"}, {"priority": 2}]},
            "bands of different policies (global-strict-fairness-policy, round-robin-fairness-policy) cannot be",
        ),
        ({"defaultPriorityBand": {"orderingPolicyRef": "edf-ordering-policy"}}, "nearest that can is slo-deadline-"),
    ],
)
def test_what_the_queue_here_has_not(flow, message):
    plugins = ({"type": "round-robin-fairness-policy"}, {"type": "edf-ordering-policy"})
    assert message in refusal(*plugins, featureGates=["flowControl"], flowControl=flow)


def test_a_limit_on_bytes_is_a_remark():
    _, notes = imported(with_plugins(featureGates=["flowControl"], flowControl={"maxBytes": "10Gi"}))
    assert notes == ["flowControl maxBytes: bytes are not simulated, no limit on them holds"]
