"""What the router would refuse is refused: file, line, key, and what would be right."""

import pytest

from blis.deploy.config import read_config
from blis.errors import InputError
from tests.blis.deploy.samples import document, small, with_plugins


def refusal(mapping):
    with pytest.raises(InputError) as error:
        read_config(document(mapping))
    return str(error.value)


def test_a_valid_file():
    config = read_config(document(small()))
    assert [(step.plugin.type, step.weight) for step in config.steps] == [
        ("prefix-cache-scorer", 3),
        ("queue-scorer", 2),
        ("max-score-picker", None),
    ]
    assert [plugin.name for plugin in config.declared] == ["prefix-cache-scorer", "queue-scorer", "max-score-picker"]


def test_without_profiles_all_filters_scorers_and_pickers_are_one():
    mapping = with_plugins({"type": "openai-parser"})
    del mapping["schedulingProfiles"]
    steps = read_config(document(mapping)).steps
    assert [step.plugin.type for step in steps] == ["prefix-cache-scorer", "queue-scorer", "max-score-picker"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"pluginz": []}, "line 15: pluginz: unknown key 'pluginz' (did you mean 'plugins'?)"),
        ({"kind": "EndpointPicker"}, "kind: unknown value 'EndpointPicker' (did you mean 'EndpointPickerConfig'?)"),
        ({"plugins": {}}, "line 3: plugins: must be a list, got {}"),
        ({"plugins": [{"name": "a"}]}, "plugins[0]: missing key type"),
        ({"plugins": [{"type": "queue-scorers"}]}, "plugins[0].type: unknown plugin type 'queue-scorers'"),
        ({"featureGates": ["flowcontrol"]}, "featureGates[0]: unknown feature gate 'flowcontrol' (did you mean 'flowC"),
        ({"flowControl": {"defaultRequestTTL": 60}}, "flowControl.defaultRequestTTL: must be a duration (10s, 1m30s)"),
        ({"flowControl": {"maxBytes": "lots"}}, "flowControl.maxBytes: must be a quantity"),
        ({"flowControl": {"priorityBands": [{}]}}, "flowControl.priorityBands[0]: missing key priority"),
        ({"dataLayer": {"sources": [{"pluginRef": "x"}]}}, "dataLayer.sources[0].pluginRef: unknown plugin 'x'"),
        ({"schedulingProfiles": [{"plugins": []}]}, "schedulingProfiles[0]: missing key name"),
    ],
)
def test_keys_and_types(part, message):
    assert message in refusal(small() | part)


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (
            {"type": "load-aware-scorer", "parameters": {"treshold": 9}},
            "unknown key 'treshold' (did you mean 'threshold",
        ),
        ({"type": "load-aware-scorer", "parameters": {"threshold": "9"}}, "must be a whole number, got '9'"),
        ({"type": "load-aware-scorer", "parameters": {"threshold": 9.5}}, "must be a whole number, got 9.5"),
        (
            {"type": "tokenizer", "parameters": [1]},
            "plugins[3].parameters: must be a mapping of keys to values, got [1]",
        ),
        ({"type": "queue-scorer"}, "two plugins are called 'queue-scorer', the first is plugins[1]"),
        (
            {"name": "queue-scorer", "type": "load-aware-scorer"},
            "two plugins are called 'queue-scorer', the first is plugins[1]",
        ),
        (
            {"type": "concurrency-detector", "parameters": {"concurrencyMode": "request"}},
            "unknown value 'request' (did you mean 'requests'?); choose one of: hybrid, requests, tokens",
        ),
        (
            {"type": "token-load-scorer", "parameters": {"inFlightLoadProducerName": "inflight-load"}},
            "parameters.inFlightLoadProducerName: unknown plugin 'inflight-load'",
        ),
        (
            {"type": "token-load-scorer", "parameters": {"inFlightLoadProducerName": "queue-scorer"}},
            "'queue-scorer' is a plugin of kind scorer, producer is wanted",
        ),
    ],
)
def test_parameters_of_plugins(plugin, message):
    assert message in refusal(with_plugins(plugin))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"pluginRef": "queue-scorrer"}, "pluginRef: unknown plugin 'queue-scorrer' (did you mean 'queue-scorer'?)"),
        (
            {"pluginRef": "openai-parser"},
            "is a plugin of kind parser, filter or detector or scorer or picker is wanted",
        ),
        ({"pluginRef": "queue-scorer"}, "schedulingProfiles[0].plugins: 'queue-scorer' is there twice"),
        ({"pluginRef": "decode-filter", "weight": 2}, "weight: 'decode-filter' is a plugin of kind filter"),
        ({"pluginRef": "random-picker"}, "a profile has one picker, this is the second"),
        ({"weight": 2}, "schedulingProfiles[0].plugins[0]: missing key pluginRef"),
        ({"pluginRef": ""}, "schedulingProfiles[0].plugins[0].pluginRef: unknown plugin ''"),
    ],
)
def test_steps_of_the_profile(step, message):
    plugins = ({"type": "decode-filter"}, {"type": "random-picker"}, {"type": "openai-parser"})
    assert message in refusal(with_plugins(*plugins, steps=(step,)))


def test_profiles_and_their_handler():
    mapping = small()
    mapping["schedulingProfiles"].append({"name": "decode", "plugins": []})
    assert "single-profile-handler has one profile, not default, decode" in refusal(mapping)
    mapping["plugins"].append({"type": "disagg-profile-handler"})
    assert list(read_config(document(mapping)).profiles) == ["default", "decode"]
    mapping["plugins"].append({"type": "single-profile-handler"})
    assert "a second profile handler beside 'disagg-profile-handler'" in refusal(mapping)
    mapping["schedulingProfiles"][1]["name"] = "default"
    assert "'default' is there twice" in refusal(mapping)


@pytest.mark.parametrize(("gates", "on"), [([], False), (["flowControl"], True), (["flowControl=false"], False)])
def test_feature_gates(gates, on):
    assert read_config(document(small() | {"featureGates": gates})).gate("flowControl") is on
