"""Published configurations: imported as what they mean, or refused by name."""

import pytest

from blis.deploy.dialects import DIALECTS, GIE
from blis.deploy.document import parse_document
from blis.deploy.import_epp import import_epp
from blis.deploy.notes import Notes
from blis.deploy.targets import export_text
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from tests.blis.deploy.samples import PUBLISHED, imported, small, with_plugins

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


@pytest.mark.parametrize("kind", ["random-picker", "weighted-random-picker"])
def test_a_picker_that_the_profile_does_not_name_is_used(kind):
    mapping = small()
    mapping["plugins"][-1] = {"type": kind}
    mapping["schedulingProfiles"][0]["plugins"].pop()
    assert not any("no part of the file uses it" in note for note in imported(mapping)[1])


@pytest.mark.parametrize("kind", ["concurrency-detector", "round-robin-fairness-policy", "edf-ordering-policy"])
def test_what_no_part_of_the_file_names_is_said(kind):
    assert imported(with_plugins({"type": kind}))[1] == [f"{kind}: no part of the file uses it"]


def test_what_another_part_names_is_used():
    flow = {"saturationDetector": {"pluginRef": "concurrency-detector"}}
    _, notes = imported(with_plugins({"type": "concurrency-detector"}, flowControl=flow))
    assert notes == []


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ({"type": "utilization-detector", "parameters": {"queueDepthThreshold": -1}}, "queue_threshold of admission"),
        ({"type": "utilization-detector", "parameters": {"kvCacheUtilThreshold": 3}}, "kv_threshold of admission"),
    ],
)
def test_numbers_that_a_policy_does_not_take_name_the_plugin(plugin, message):
    with pytest.raises(InputError, match=rf"^epp\.yaml: line \d+: plugins\[3\]: {message}"):
        imported(with_plugins(plugin))


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ({"type": "load-aware-scorer", "parameters": {"threshold": 0}}, "threshold of routing scorer 'load-aware'"),
        ({"type": "active-request-scorer", "parameters": {"maxBusyScore": 7}}, "max_busy_score of routing scorer"),
        (
            {"type": "prefix-cache-affinity-filter", "parameters": {"affinityThreshold": 7}},
            "threshold of routing filter 'prefix-affinity' must be in",
        ),
    ],
)
def test_numbers_that_a_template_does_not_take_name_the_plugin(plugin, message):
    with pytest.raises(InputError, match=rf"^epp\.yaml: line \d+: plugins\[3\]: {message}"):
        imported(with_plugins(plugin, steps=({"pluginRef": plugin["type"]},)))


def test_the_older_precise_scorer_goes_back_to_where_it_comes_from():
    bundle, _ = imported(PUBLISHED / "precise-before-may.yaml")
    text = export_text(bundle, "llm-d", DIALECTS[GIE], Notes())
    assert load_bundle(import_epp(parse_document(text, "back"), Notes())).routing.scorers[0].name == (
        "precise-prefix-cache-2026-04"
    )
