"""A bundle's routing as plugins: whole weights, and everything that is not quite the same is said."""

import pytest

from blis.deploy.dialects import DIALECTS, GIE, ROUTER
from blis.deploy.export_epp import export_epp
from blis.deploy.notes import Notes
from blis.errors import InputError
from blis.policies.bundle import load_bundle


def exported(dialect=ROUTER, **routing):
    """The plugins by name, the steps, and the remarks but for that on admission."""
    notes = Notes()
    bundle = load_bundle({"admission": {"policy": "utilization-shed"}, "routing": {"policy": "weighted"} | routing})
    mapping = export_epp(bundle, DIALECTS[dialect], notes)
    plugins = {plugin.get("name", plugin["type"]): plugin for plugin in mapping["plugins"]}
    return plugins, mapping["schedulingProfiles"][0]["plugins"], notes


def scorer(name, weight=1.0, **parameters):
    return {"name": name, "weight": weight, "parameters": parameters}


def refusal(**routing):
    with pytest.raises(InputError) as error:
        exported(**routing)
    return str(error.value)


def test_weights_are_whole_numbers():
    _, steps, notes = exported(scorers=[scorer("prefix-affinity", 0.45), scorer("queue-waiting", 0.3)])
    assert [step.get("weight") for step in steps] == [3, 2, None]
    assert notes == []


def test_any_scale_of_the_weights_is_the_same_file():
    files = [
        exported(scorers=[scorer("prefix-affinity", 0.3 * scale), scorer("queue-waiting", 0.2 * scale)])
        for scale in (1, 10, 0.5)
    ]
    assert files[0] == files[1] == files[2]


def test_two_scorers_of_prefixes_have_two_names():
    plugins, steps, notes = exported(scorers=[scorer("prefix-affinity", 2), scorer("precise-prefix-cache", 1)])
    assert plugins["precise-prefix-cache-scorer"] == {
        "name": "precise-prefix-cache-scorer",
        "type": "prefix-cache-scorer",
        "parameters": {"prefixMatchInfoProducerName": "precise-prefix-cache-producer"},
    }
    assert {"approx-prefix-cache-producer", "precise-prefix-cache-producer"} <= set(plugins)
    assert [step["pluginRef"] for step in steps[:2]] == ["prefix-cache-scorer", "precise-prefix-cache-scorer"]
    assert len(notes) == 1


def test_the_older_dialect_has_no_producers():
    plugins, _, _ = exported(GIE, scorers=[scorer("prefix-affinity", 2)])
    assert list(plugins) == ["prefix-cache-scorer", "max-score-picker", "single-profile-handler"]


def test_the_older_dialect_says_whose_plugin_it_is():
    _, _, notes = exported(GIE, scorers=[scorer("active-requests")])
    assert notes == [
        "active-request-scorer: of llm-d-inference-scheduler, Gateway API Inference Extension 1.3 alone has it not"
    ]


def test_an_idle_threshold_is_held_against_whole_requests():
    plugins, _, notes = exported(scorers=[scorer("active-requests", idle_threshold=2.7)])
    assert plugins["active-request-scorer"]["parameters"] == {"idleThreshold": 2, "maxBusyScore": 1}
    assert notes == []


def test_filters_come_before_scores():
    filters = [
        {"name": "load", "parameters": {"max_waiting": 8}},
        {"name": "prefix-affinity", "parameters": {"max_queueing_penalty_ms": 1e9}},
    ]
    plugins, steps, notes = exported(filters=filters, scorers=[scorer("token-load")])
    assert [step["pluginRef"] for step in steps] == [
        "load-filter",
        "prefix-cache-affinity-filter",
        "token-load-scorer",
        "max-score-picker",
    ]
    assert plugins["load-filter"]["parameters"] == {"queueDepthThreshold": 9, "kvCacheUtilThreshold": 1}
    assert plugins["prefix-cache-affinity-filter"]["parameters"]["maxTTFTPenaltyMs"] == 0
    assert [note.partition(":")[0] for note in notes] == [
        "routing.filters load",
        "prefix-cache-affinity-filter",
        "token-load-scorer",
    ]


@pytest.mark.parametrize(
    ("routing", "note"),
    [
        ({"scorers": [scorer("queue-depth")]}, "llm-d has no scorer of waiting + running + pending requests"),
        ({"scorers": [scorer("queue-waiting")], "tie_break": "first"}, "max-score-picker takes any of equal scores"),
        ({"policy": "least-loaded"}, "active-request-scorer alone"),
        ({"scorers": [scorer("queue-waiting", 1), scorer("kv-utilization", 1 / 3)]}, "weights are rounded to parts of"),
    ],
)
def test_what_is_only_nearly_the_same_is_said(routing, note):
    assert any(note in one for one in exported(**routing)[2])


@pytest.mark.parametrize(
    ("routing", "message"),
    [
        (
            {"policy": "round-robin"},
            "routing.policy 'round-robin' has no counterpart in llm-d-router 0.11; the nearest is",
        ),
        ({"policy": "lmetric"}, "the nearest is weighted with the scorers prefix-affinity and active-requests"),
        (
            {"scorers": [scorer("load-balance")]},
            "'load-balance' has no counterpart in llm-d-router 0.11; the nearest is a",
        ),
        ({"scorers": [scorer("queue-depth"), scorer("active-requests")]}, "the nearest is 'active-requests' alone"),
        (
            {"scorers": [scorer("precise-prefix-cache")], "dialect": GIE},
            "no counterpart in Gateway API Inference Extension 1.3; the nearest is prefix-affinity",
        ),
        (
            {"scorers": [scorer("precise-prefix-cache-2026-04")]},
            "llm-d-router 0.11; the nearest is precise-prefix-cache",
        ),
        (
            {"scorers": [scorer("queue-waiting")], "filters": [{"name": "load"}], "dialect": GIE},
            "routing.filters 'load' has no counterpart in Gateway API Inference Extension 1.3; the nearest is",
        ),
        ({}, "routing.scorers are not in the bundle"),
        ({"policy": None}, "routing.policy is not in the bundle"),
        (
            {
                "scorers": [scorer("token-load")],
                "filters": [{"name": "prefix-affinity", "parameters": {"max_queueing_penalty_ms": 0}}],
            },
            "max_queueing_penalty_ms 0 has no counterpart: maxTTFTPenaltyMs 0 means never",
        ),
    ],
)
def test_what_the_router_has_not_is_refused_with_the_nearest(routing, message):
    assert message in refusal(**routing)
