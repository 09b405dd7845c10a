"""A configuration under construction."""

from blis.deploy.dialects import DIALECTS, ROUTER
from blis.deploy.draft import Draft
from blis.deploy.notes import Notes


def test_a_plugin_is_declared_once_and_steps_refer_to_it():
    draft = Draft(DIALECTS[ROUTER], Notes())
    draft.plugin("inflight-load-producer")
    draft.plugin("inflight-load-producer")
    draft.step("queue-scorer", weight=2)
    draft.step("utilization-detector", {"queueDepthThreshold": 3}, name="limit")
    mapping = draft.mapping()
    assert mapping["plugins"] == [
        {"type": "inflight-load-producer"},
        {"type": "queue-scorer"},
        {"name": "limit", "type": "utilization-detector", "parameters": {"queueDepthThreshold": 3}},
        {"type": "single-profile-handler"},
    ]
    assert mapping["schedulingProfiles"][0]["plugins"] == [
        {"pluginRef": "queue-scorer", "weight": 2},
        {"pluginRef": "limit"},
    ]


def test_numbers_are_whole_where_the_router_wants_it():
    draft = Draft(DIALECTS[ROUTER], Notes())
    assert draft.number("load-aware-scorer", "threshold", 37.4) == 37
    assert draft.notes == ["load-aware-scorer.threshold: 37.4 is rounded to 37, the router takes whole numbers"]
    assert draft.number("utilization-detector", "queueDepthThreshold", 0.2) == 1
    assert draft.number("utilization-detector", "kvCacheUtilThreshold", 0.25) == 0.25
