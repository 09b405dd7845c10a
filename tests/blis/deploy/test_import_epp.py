"""Published configurations: imported as what they mean, or refused by name."""

import pytest

from blis.errors import InputError
from tests.blis.deploy.samples import PUBLISHED, imported, with_plugins

#: Routers: scorers and weights of those that are imported; their admission is the router's own unless it is said.
IMPORTED = {
    "epp-config": [("prefix-affinity", 2)],
    "sim-epp-config": [("prefix-affinity", 2)],
    "precise-prefix-cache": [("precise-prefix-cache", 2), ("kv-utilization", 1), ("queue-waiting", 1)],
    "no-hit-lru": [("precise-prefix-cache", 2), ("no-hit-lru", 1)],
    "sim-epp-kvcache-config": [("precise-prefix-cache", 10)],
    "passthrough": [("active-requests", 1), ("session-affinity", 1)],
    "optimized-baseline-spring": [
        ("queue-waiting", 2),
        ("kv-utilization", 2),
        ("prefix-affinity", 3),
        ("no-hit-lru", 2),
    ],
    "precise-before-may": [("precise-prefix-cache-2026-04", 2)],
    "session-affinity": [("session-affinity", 100), ("prefix-affinity", 50)],
    "built-in-default": [("queue-waiting", 2), ("kv-utilization", 2), ("prefix-affinity", 3)],
}

REFUSED = {
    "pd-epp-config": "line 13: schedulingProfiles: several profiles (prefill, decode) cannot be simulated",
    "burst-prefix-cache": "burst-prefix-cache-producer cannot be simulated; the nearest that can is approx-prefix",
    "thunderagent": "line 8: plugins[2].type: unknown plugin type 'thunder-agent'",
    "optimized-baseline-summer": "unknown key 'maxTokensInFlightPenalty' (did you mean 'maxTTFTPenaltyMs'?)",
    "flow-control": "flowControl.maxRequests: a limit on all bands together cannot be simulated",
    "flow-control-holdback": "priority-holdback-policy cannot be simulated; the nearest that can is static-usage-limit",
    "fairness-las": "program-aware-fairness cannot be simulated; the nearest that can is round-robin-fairness-policy",
    "agentic-serving-gpu": "line 17: schedulingProfiles[1].plugins[1].pluginRef: unknown plugin 'active-request",
    "dp-epp-config": "data-parallel-profile-handler cannot be simulated; the nearest that can is single-profile",
    "kvcache-load": "unknown plugin type 'single-profile'; of the 85 known, the nearest are single-profile-handler",
    "prefix-cache-tracking": "line 7: plugins[2].parameters.mode: unknown key 'mode'",
}


def test_every_sample_is_expected_somewhere():
    assert {path.stem for path in PUBLISHED.glob("*.yaml")} == {*IMPORTED, *REFUSED, "probabilistic-admitter"}


@pytest.mark.parametrize("name", IMPORTED)
def test_published_files_that_can_be_simulated(name):
    bundle, _ = imported(PUBLISHED / f"{name}.yaml")
    assert bundle.routing.policy == "weighted"
    assert [(scorer.name, scorer.weight) for scorer in bundle.routing.scorers] == IMPORTED[name]
    assert (bundle.routing.filters, bundle.routing.picker, bundle.routing.tie_break) == ((), "max", "random")
    assert (bundle.admission.policy, bundle.admission.parameters) == ("utilization-shed", None)
    assert bundle.flow_control.enabled is False


@pytest.mark.parametrize("name", REFUSED)
def test_published_files_that_cannot(name):
    with pytest.raises(InputError) as error:
        imported(PUBLISHED / f"{name}.yaml")
    assert REFUSED[name] in str(error.value)
    assert str(error.value).startswith(f"{name}.yaml: ")


def test_an_admitter_alone_in_front_of_chance():
    bundle, _ = imported(PUBLISHED / "probabilistic-admitter.yaml")
    assert (bundle.admission.policy, bundle.routing.policy) == ("probabilistic", "random")


def test_what_decides_nothing_is_kept_as_a_remark():
    bundle, notes = imported(with_plugins({"type": "openai-parser"}, {"type": "load-aware-scorer"}))
    assert [scorer.name for scorer in bundle.routing.scorers] == ["prefix-affinity", "queue-waiting"]
    assert notes == [
        "openai-parser: decides nothing that is simulated",
        "load-aware-scorer: no part of the file uses it",
    ]
