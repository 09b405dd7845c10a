import copy

import pytest

from blis.errors import InputError
from blis.tables.placement import Placement
from blis.workload.draw.spec import load_spec, spec_mapping
from tests.places import CONF

WORKLOADS = CONF / "workload"
EXPONENTIAL = {"type": "exponential", "params": {"mean": 100}}
CLIENTS = {
    "version": "1",
    "seed": 7,
    "category": "language",
    "aggregate_rate": 10,
    "num_requests": 100,
    "clients": [
        {
            "id": "chat",
            "tenant_id": "a",
            "slo_class": "interactive",
            "rate_fraction": 7,
            "arrival": {"process": "gamma", "cv": 3.5},
            "input_distribution": {"type": "gaussian", "params": {"mean": 256, "std_dev": 50, "min": 10, "max": 600}},
            "output_distribution": EXPONENTIAL,
            "prefix_group": "system",
            "streaming": True,
            "requires": {"gpu": "H100"},
            "avoids": {"lora": "x"},
        },
        {
            "rate_fraction": 3,
            "arrival": {"process": "poisson"},
            "input_distribution": EXPONENTIAL,
            "output_distribution": {"type": "constant", "params": {"value": 16}},
            "prefix_group": "system",
            "prefix_length": 256,
        },
    ],
}
POPULATION = {
    "aggregate_rate": 64.0,
    "num_requests": 4000,
    "population": {
        "arrival": {"process": "gamma", "cv": 1.5},
        "tenants": {"count": 75, "zipf": 0.8},
        "prefix": {"share": 0.9, "length_distribution": {"type": "log_uniform", "params": {"min": 2000, "max": 9000}}},
        "classes": {"critical": 0.2, "standard": 0.5, "batch": 0.3},
        "input_distribution": EXPONENTIAL,
        "output_distribution": EXPONENTIAL,
    },
}
REMOVE = object()


def changed(mapping, path, value):
    """A copy of `mapping` with the value at the key path replaced, added or removed."""
    mapping = copy.deepcopy(mapping)
    *above, last = path
    part = mapping
    for key in above:
        part = part[key]
    if value is REMOVE:
        del part[last]
    else:
        part[last] = value
    return mapping


@pytest.mark.parametrize("mapping", [CLIENTS, POPULATION, changed(POPULATION, ["population", "prefix"], REMOVE)])
def test_a_spec_comes_back_from_its_mapping(mapping):
    spec = load_spec(mapping)
    again = load_spec(spec_mapping(spec))
    assert again == spec
    assert spec_mapping(again) == spec_mapping(spec)


def test_no_labels_are_written_in_one_way():
    empty, none = (changed(CLIENTS, ["clients", 1, "prefers"], labels) for labels in ({}, None))
    assert spec_mapping(load_spec(empty)) == spec_mapping(load_spec(none)) == spec_mapping(load_spec(CLIENTS))
    assert load_spec(CLIENTS).clients[0].placement == Placement({"gpu": "H100"}, {}, {"lora": "x"})


SPECIFICATIONS = sorted(path for path in WORKLOADS.glob("*.yaml") if path.stem != "trace")  # that one reads a file


@pytest.mark.parametrize("path", SPECIFICATIONS, ids=lambda path: path.stem)
def test_every_configured_workload_loads_under_its_own_name(path):
    spec = load_spec(path)
    assert spec.name == path.stem
    assert load_spec(spec_mapping(spec)) == spec


def test_the_default_workload_is_the_published_shape():
    spec = load_spec(WORKLOADS / "chat_prefix.yaml")
    population = spec.population
    assert (population.tenants.count, population.tenants.zipf, population.arrival.cv) == (75, 0.8, 1.5)
    assert population.prefix.share == 0.9
    assert population.prefix.length_distribution.params == {"min": 2000, "max": 9000}
    assert population.classes == {"critical": 0.2, "standard": 0.5, "batch": 0.3}
    assert population.input_distribution.params == {"mean": 900}
    assert population.output_distribution.params == {"mean": 220, "min": 2, "max": 1024}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("chat_prefix_no_skew", ["population", "tenants", "zipf"], 0),
        ("chat_prefix_strong_skew", ["population", "tenants", "zipf"], 1.2),
        ("chat_bursty", ["population", "arrival", "cv"], 3.0),
    ],
)
def test_siblings_differ_from_the_default_in_one_key(name, path, value):
    default = spec_mapping(load_spec(WORKLOADS / "chat_prefix.yaml"))
    expected = changed(changed(default, path, value), ["name"], name)
    assert spec_mapping(load_spec(WORKLOADS / f"{name}.yaml")) == expected


def test_a_group_takes_the_length_that_any_of_its_clients_gives():
    assert load_spec(CLIENTS).group_prefix_tokens() == {"system": 256}
    assert load_spec(changed(CLIENTS, ["clients", 1, "prefix_length"], REMOVE)).group_prefix_tokens() == {"system": 50}
    assert load_spec(changed(CLIENTS, ["clients", 1, "prefix_length"], 0)).group_prefix_tokens() == {"system": 0}


def test_version_may_be_absent_or_written_as_a_number():
    assert load_spec(changed(CLIENTS, ["version"], 1)) == load_spec(changed(CLIENTS, ["version"], REMOVE))


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (["version"], "99", "unknown version '99'; choose one of: 1, 2"),
        (["category"], "languge", "unknown category 'languge' (did you mean 'language'?)"),
        (["aggregate_rate"], 0, "aggregate_rate must be > 0"),
        (["aggregate_rate"], float("nan"), "aggregate_rate must be finite"),
        (["aggregate_rate"], float("inf"), "aggregate_rate must be finite"),
        (["aggregate_rate"], -1, "aggregate_rate must be > 0"),
        (["aggregate_rate"], 2e6, "aggregate_rate must be in"),
        (["aggregate_rate"], "10", "aggregate_rate must be a number"),
        (["aggregate_rate"], REMOVE, "missing key aggregate_rate"),
        (["agregate_rate"], 3, "unknown key 'agregate_rate' (did you mean 'aggregate_rate'?)"),
        (["seed"], -1, "seed must be >= 0"),
        (["seed"], 1.5, "seed must be a whole number"),
        (["num_requests"], -1, "num_requests must be"),
        (["num_requests"], 0, "num_requests or horizon must be given"),
        (["horizon"], -1, "horizon must be"),
        (["clients"], [], "clients (at least one) or a population, or servegen_data, must be given, got neither"),
        (["servegen_data"], {}, "missing key servegen_data.path"),
        (["servegen_data"], {"path": "x", "span_start": 9, "span_end": 9}, "servegen_data: span_end must be in [10, "),
        (
            ["clients", 1, "lifecycle"],
            {"windows": [{"start_us": 5, "end_us": 5}]},
            "windows[0]: end_us must be in [6, ",
        ),
        (["clients", 1, "network"], {"rtt_ms": -1}, "clients[1].network: rtt_ms must be"),
        (["clients", 1, "reasoning"], {"multi_turn": {"max_rounds": 0}}, "multi_turn: max_rounds must be in [1, "),
        (
            ["clients", 1, "reasoning"],
            {"multi_turn": {"max_rounds": 2, "context_growth": "acumulate"}},
            "unknown context_growth 'acumulate' (did you mean 'accumulate'?)",
        ),
        (
            ["clients", 1, "multimodal"],
            {"image_distribution": EXPONENTIAL},
            "clients[1].multimodal: image_count_distribution is missing",
        ),
        (
            ["rate_over_time"],
            {"diurnal": {"peak_hours": [9, 9], "peak_to_trough_ratio": 2}},
            "peak_hours[1] must be > 9",
        ),
        (["clients", 0, "arrival"], {"process": "recorded"}, "process recorded needs `times` or a `file`"),
        (["clients", 0, "arrival"], {"process": "recorded", "times": [2, 1]}, "times[1] must be >= 2, got 1"),
        (["clients", 0, "arrival"], {"process": "poisson", "times": [1, 2]}, "times are for process recorded"),
        (["clients", 0, "slo"], "x", "clients[0]: unknown key 'slo' (did you mean 'slo_class'?)"),
        (["clients", 0, "rate_fraction"], 0, "clients[0]: rate_fraction must be > 0"),
        (["clients", 1, "id"], "chat", "clients[1].id: 'chat' is already the name of clients[0]"),
        (["clients", 0, "prefix_length"], 64, "clients[1].prefix_length: 256, but another client of group 'system'"),
        (["clients", 0, "prefix_length"], -1, "clients[0]: prefix_length must be"),
        (["clients", 1, "prefix_group"], "", "clients[1]: prefix_length needs a prefix_group"),
        (["clients", 1, "arrival", "process"], "weibul", "clients[1].arrival: unknown process 'weibul'"),
        (["clients", 1, "arrival", "cv"], 0, "clients[1].arrival: cv must be"),
        (["clients", 1, "output_distribution", "params", "value"], -3, "clients[1].output_distribution: params.value"),
        (["clients", 1, "output_distribution", "params", "value"], "x", "params.value must be a number, got 'x'"),
        (["clients", 0, "requires"], {"gpu": 1}, "clients[0].requires.gpu must be a text, got 1"),
        (["clients", 0, "requires"], ["gpu"], "clients[0].requires must be a mapping"),
        (["clients", 0, "prefers"], {"": "a"}, "a label must have a name and a value"),
    ],
)
def test_a_bad_key_of_clients_is_named(path, value, problem):
    with pytest.raises(InputError) as info:
        load_spec(changed(CLIENTS, path, value))
    assert problem in str(info.value)


def test_clients_and_a_population_may_send_together():
    spec = load_spec(changed(CLIENTS, ["population"], POPULATION["population"] | {"rate_fraction": 30}))
    assert spec.sender_names == ("chat", "client_1", "")
    assert spec.rate_shares == (7 / 40, 3 / 40, 30 / 40)
    assert load_spec(spec_mapping(spec)) == spec


def test_what_ends_by_itself_needs_no_other_end():
    stages = {"stages": [{"duration_s": 5, "factor": 1}]}
    endless = changed(CLIENTS, ["num_requests"], REMOVE)
    assert load_spec(changed(endless, ["rate_over_time"], stages)).num_requests == 0
    windows = {"windows": [{"start_us": 0, "end_us": 10**6}]}
    one_ends = changed(endless, ["clients", 0, "lifecycle"], windows)
    assert load_spec(changed(one_ends, ["clients", 1, "lifecycle"], windows)).num_requests == 0
    spike = {"spikes": [{"start_s": 1, "duration_s": 1, "factor": 2}]}
    for unbounded in (one_ends, changed(endless, ["rate_over_time"], spike)):
        with pytest.raises(InputError, match="num_requests or horizon must be given"):
            load_spec(unbounded)


def test_conversations_are_closed_loop_from_version_2_on_unless_a_client_says_else():
    """The default of version 1 is what the original does, that of version 2 what conversations do."""
    talks = changed(CLIENTS, ["clients", 0, "reasoning"], {"multi_turn": {"max_rounds": 2}})
    for version, said, closed in [("1", None, False), ("2", None, True), ("1", True, True), ("2", False, False)]:
        spec = load_spec(changed(changed(talks, ["version"], version), ["clients", 0, "closed_loop"], said))
        assert spec.closed_loop(spec.clients[0]) == closed


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        (["tenants", "count"], 0, "population.tenants: count must be"),
        (["tenants", "zipf"], -0.1, "population.tenants: zipf must be"),
        (["prefix", "share"], 1.1, "population.prefix: share must be"),
        (["prefix", "lenght_distribution"], {}, "population.prefix: unknown key 'lenght_distribution'"),
        (["classes"], {"a": 0.5, "b": 0.4}, "population: classes: the shares must sum to 1, got 0.9"),
        (["classes"], {}, "population: classes: the shares must sum to 1, got 0"),
        (["classes"], {"a": 1.5, "b": -0.5}, "population: classes.a must be"),
        (["tenants"], REMOVE, "missing key population.tenants"),
    ],
)
def test_a_bad_key_of_a_population_is_named(path, value, problem):
    with pytest.raises(InputError) as info:
        load_spec(changed(POPULATION, ["population", *path], value))
    assert problem in str(info.value)


def test_errors_of_a_file_start_with_its_name(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("aggregate_rate: 0\nnum_requests: 5\n")
    with pytest.raises(InputError) as info:
        load_spec(path)
    assert str(info.value) == f"{path}: aggregate_rate must be > 0, got 0"
    path.write_text("aggregate_rate: 1\naggregate_rate: 2\n")
    with pytest.raises(InputError, match="line 2: duplicate key 'aggregate_rate'"):
        load_spec(path)
