"""Filters, scorers and pickers: what they are here, with the router's defaults and not ours."""

import pytest

from blis.errors import InputError
from tests.blis.deploy.samples import imported, small, with_plugins


def routing(*plugins, steps=(), **parts):
    return imported(with_plugins(*plugins, steps=steps, **parts))[0].routing


def refusal(*plugins, steps=(), **parts):
    with pytest.raises(InputError) as error:
        imported(with_plugins(*plugins, steps=steps, **parts))
    return str(error.value)


def test_a_filter_has_the_routers_defaults():
    kind = "prefix-cache-affinity-filter"
    (one,) = routing({"type": kind}, steps=({"pluginRef": kind},)).filters
    assert one.name == "prefix-affinity"
    assert one.parameters == {"max_queueing_penalty_ms": 18000, "prefill_tokens_per_s": 15928}


def test_a_penalty_of_zero_is_never():
    kind = "prefix-cache-affinity-filter"
    (one,) = routing({"type": kind, "parameters": {"maxTTFTPenaltyMs": 0}}, steps=({"pluginRef": kind},)).filters
    assert one.parameters["max_queueing_penalty_ms"] == 1e9


@pytest.mark.parametrize(
    ("parameters", "max_waiting"),
    [
        ({"queueDepthThreshold": 6, "kvCacheUtilThreshold": 1.0}, 5),
        ({"queueDepthThreshold": 5, "kvCacheUtilThreshold": 0.9, "headroom": 0.2}, 5),
        ({"queueDepthThreshold": 4, "kvCacheUtilThreshold": 1.0, "headroom": 0.1}, 4),
    ],
)
def test_a_detector_in_a_profile_keeps_who_has_fewer_waiting(parameters, max_waiting):
    plugin = {"type": "utilization-detector", "name": "limit", "parameters": parameters}
    (one,) = routing(plugin, steps=({"pluginRef": "limit"},)).filters
    assert (one.name, one.parameters) == ("load", {"max_waiting": max_waiting})


def test_a_detector_that_looks_at_caches_is_no_filter_here():
    plugin = {"type": "utilization-detector", "name": "limit"}
    message = refusal(plugin, steps=({"pluginRef": "limit"},))
    assert "limit as a filter looks at KV caches; the nearest filter looks at waiting requests only" in message


@pytest.mark.parametrize(
    ("type_", "parameters", "name", "ours"),
    [
        ("active-request-scorer", {"idleThreshold": 2, "maxBusyScore": 0.5}, "active-requests", (2, 0.5)),
        ("load-aware-scorer", {"threshold": 64}, "load-aware", (64,)),
        ("token-load-scorer", {"queueThresholdTokens": 4096}, "token-load", (4096,)),
        ("running-requests-size-scorer", {}, "running-requests", ()),
    ],
)
def test_parameters_of_scorers(type_, parameters, name, ours):
    plugin = {"type": type_, "parameters": parameters}
    scorer = routing(plugin, steps=({"pluginRef": type_, "weight": 4},)).scorers[0]
    assert (scorer.name, scorer.weight, tuple(scorer.parameters.values())) == (name, 4, ours)


def test_a_scorer_without_a_weight_has_one_and_of_weight_zero_is_none():
    steps = ({"pluginRef": "load-aware-scorer"}, {"pluginRef": "kv-cache-utilization-scorer", "weight": 0})
    found = routing({"type": "load-aware-scorer"}, {"type": "kv-cache-utilization-scorer"}, steps=steps).scorers
    assert [(scorer.name, scorer.weight) for scorer in found][:2] == [("load-aware", 1), ("prefix-affinity", 3)]


def test_the_producer_says_whose_prefixes_count():
    producer = {"type": "precise-prefix-cache-producer", "name": "engines"}
    scorer = {
        "type": "prefix-cache-scorer",
        "name": "precise",
        "parameters": {"prefixMatchInfoProducerName": "engines"},
    }
    found = routing(producer, scorer, steps=({"pluginRef": "precise", "weight": 2},)).scorers
    assert [scorer.name for scorer in found] == ["precise-prefix-cache", "prefix-affinity", "queue-waiting"]


def test_numbers_of_the_scenario_are_named_with_its_key():
    producer = {"type": "approx-prefix-cache-producer", "parameters": {"blockSizeTokens": 64}}
    _, notes = imported(with_plugins(producer))
    assert notes == [
        "approx-prefix-cache-producer.blockSizeTokens 64: set cluster.routing.prefix_index_block_tokens in the"
        " scenario, a bundle does not have it"
    ]


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ({"type": "latency-scorer"}, "latency-scorer cannot be simulated; the nearest that can is token-load-scorer"),
        ({"type": "session-affinity-filter"}, "the nearest that can is session-affinity-scorer"),
        (
            {"type": "prefix-cache-affinity-filter", "parameters": {"explorationProbability": 0.1}},
            "plugins[3].parameters.explorationProbability: only 0 can be simulated, got 0.1",
        ),
        (
            {"type": "prefix-cache-affinity-filter", "parameters": {"ttftSource": "latencyPredictor"}},
            "only 'prefillThroughput' can be simulated",
        ),
        ({"type": "queue-scorer", "name": "again"}, "two scorers are queue-waiting here"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(plugin, message):
    assert message in refusal(plugin, steps=({"pluginRef": plugin.get("name", plugin["type"])},))


def test_one_filter_twice_is_refused():
    plugins = [{"type": "prefix-cache-affinity-filter", "name": name} for name in ("global", "local")]
    message = refusal(*plugins, steps=({"pluginRef": "global"}, {"pluginRef": "local"}))
    assert "schedulingProfiles: two filters are prefix-affinity here; the nearest is the stricter one" in message


def test_weights_below_zero_are_refused():
    mapping = small()
    mapping["schedulingProfiles"][0]["plugins"][0]["weight"] = -1
    with pytest.raises(InputError, match=r"plugins\[0\]\.weight: must be in \[0, 1e\+12\], got -1"):
        imported(mapping)


def with_picker(*types, step=None):
    mapping = small()
    mapping["plugins"] = [*mapping["plugins"][:2], *({"type": one} for one in types)]
    steps = mapping["schedulingProfiles"][0]["plugins"][:2]
    mapping["schedulingProfiles"][0]["plugins"] = steps + ([{"pluginRef": step}] if step else [])
    return mapping


@pytest.mark.parametrize(
    ("types", "step", "policy", "picker"),
    [
        ((), None, "weighted", "max"),
        (("weighted-random-picker",), "weighted-random-picker", "weighted", "weighted-random"),
        (("weighted-random-picker",), None, "weighted", "weighted-random"),
        (("random-picker",), "random-picker", "random", None),
    ],
)
def test_pickers(types, step, policy, picker):
    found = imported(with_picker(*types, step=step))[0].routing
    assert (found.policy, found.picker) == (policy, picker)


def test_nobody_knows_which_of_two_pickers_is_meant():
    with pytest.raises(InputError, match="the profile must name one of the pickers random-picker, max-score-picker"):
        imported(with_picker("random-picker", "max-score-picker"))
