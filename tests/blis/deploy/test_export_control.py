"""Admission and the gateway queue as plugins."""

import pytest

from blis.deploy.dialects import DIALECTS, GIE, ROUTER
from blis.deploy.export_epp import export_epp
from blis.deploy.notes import Notes
from blis.errors import InputError
from blis.policies.bundle import load_bundle

ROUTING = {"policy": "weighted", "scorers": [{"name": "queue-waiting", "weight": 1}]}


def exported(dialect=ROUTER, **parts):
    """The file's mapping, its plugins by name, and the remarks."""
    notes = Notes()
    mapping = export_epp(load_bundle({"routing": ROUTING} | parts), DIALECTS[dialect], notes)
    return mapping, {plugin["type"]: plugin.get("parameters") for plugin in mapping["plugins"]}, notes


def admission(policy, dialect=ROUTER, **parameters):
    return exported(dialect, admission={"policy": policy, "parameters": parameters})


def refusal(dialect=ROUTER, **parts):
    with pytest.raises(InputError) as error:
        exported(dialect, **parts)
    return str(error.value)


def test_the_routers_own_shedding():
    mapping, plugins, notes = admission("utilization-shed", queue_threshold=9)
    assert plugins["utilization-detector"] == {"queueDepthThreshold": 9, "kvCacheUtilThreshold": 0.8}
    assert mapping["flowControl"] == {"saturationDetector": {"pluginRef": "utilization-detector"}}
    assert "featureGates" not in mapping
    assert notes == []


def test_the_older_dialect_has_thresholds_at_its_top():
    mapping, plugins, _ = admission("utilization-shed", GIE)
    assert mapping["saturationDetector"] == {"queueDepthThreshold": 5, "kvCacheUtilThreshold": 0.8}
    assert "utilization-detector" not in plugins


def test_everybody_gets_in_where_the_detector_is_out_of_reach():
    _, plugins, notes = admission("always-admit")
    assert plugins["utilization-detector"] == {"queueDepthThreshold": 999_999_999, "kvCacheUtilThreshold": 1}
    assert notes == ["admission always-admit: utilization-detector still sheds while all KV caches are entirely full"]


def test_a_bundle_without_admission_is_told_what_it_gets():
    assert "admission: not in the bundle, written as always-admit" in exported()[2][0]


def test_an_admitter_is_alone():
    _, plugins, _ = admission("probabilistic", power=2)
    expected = {"queueDepthThreshold": 5, "kvCacheUtilThreshold": 0.8, "power": 2, "k": 300}
    assert plugins["probabilistic-admitter"] == expected
    assert plugins["utilization-detector"]["queueDepthThreshold"] == 999_999_999


def test_the_gateway_queue():
    flow = {"enabled": True, "ordering": "deadline", "fairness": "round-robin", "ttl_us": 1_500_000}
    bands = [{"priority": 4, "ttl_us": 2_000_000}, {"priority": -2, "max_requests": 30}]
    mapping, plugins, notes = exported(flow_control=flow | {"priority_bands": bands, "max_requests_per_band": 70})
    assert mapping["featureGates"] == ["flowControl"]
    assert plugins["concurrency-detector"] == {"maxConcurrency": 100}
    policies = {
        "fairnessPolicyRef": "round-robin-fairness-policy",
        "orderingPolicyRef": "slo-deadline-ordering-policy",
    }
    assert mapping["flowControl"] == {
        "defaultRequestTTL": "1500000us",
        "defaultPriorityBand": {"maxRequests": "70", **policies},
        "priorityBands": [
            {"priority": 4, "maxRequests": "70", **policies, "defaultRequestTTL": "2s"},
            {"priority": -2, "maxRequests": "30", **policies},
        ],
        "saturationDetector": {"pluginRef": "concurrency-detector"},
    }
    assert any("x-llm-d-slo-ttft-ms" in note for note in notes)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"flow_control": {"enabled": True}, "dialect": GIE}, "whose queue limits bytes, not requests"),
        (
            {"admission": {"policy": "token-bucket"}},
            "'token-bucket' has no counterpart in llm-d-router 0.11; the nearest",
        ),
        (
            {"admission": {"policy": "utilization-shed", "parameters": {"min_priority": 1}}},
            "min_priority 1 has no counterpart in llm-d-router 0.11; the nearest is 0",
        ),
        (
            {"admission": {"policy": "utilization-shed"}, "flow_control": {"enabled": True}},
            "no counterpart beside flow_control",
        ),
        (
            {"flow_control": {"enabled": True, "bands": "weighted"}},
            "'weighted' has no counterpart in llm-d-router 0.11",
        ),
        (
            {"flow_control": {"enabled": True, "priority_bands": [{"priority": 0.5}]}},
            "priority 0.5 has no counterpart; the nearest is 0",
        ),
        ({"admission": {"policy": "probabilistic", "parameters": {"k": 0}}}, "k 0 has no counterpart"),
        (
            {"admission": {"policy": "probabilistic"}, "dialect": GIE},
            "'probabilistic' has no counterpart in Gateway API",
        ),
        (
            {"admission": {"policy": "concurrency-shed"}, "dialect": GIE},
            "'concurrency' has no counterpart in Gateway API",
        ),
    ],
)
def test_what_the_router_has_not_is_refused_with_the_nearest(parts, message):
    assert message in refusal(**parts)
