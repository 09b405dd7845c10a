"""Scenario files: the reference layout loads, coefficients are found, bundles apply, mistakes are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blis.config import DEFAULT_SCORERS, LATENCY_KINDS, ROUTING_POLICIES, SCHEDULERS, Scenario, Scorer
from blis.errors import InputError
from blis.latency.table import coefficient_table
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping, split_workload
from blis.yaml_strict import dump_yaml, load_mapping

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests" / "data" / "reference").glob("*/config.yaml"))
MODEL = {"model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 2}


def scenario(**latency_model: object) -> Scenario:
    return load_scenario({"instance": {"latency_model": latency_model}})


def is_available(mapping: dict) -> bool:
    """Whether a reference case uses only what this version offers."""
    instance = mapping["instance"]
    return (
        instance["latency_model"]["kind"] in LATENCY_KINDS
        and instance["scheduler"] in SCHEDULERS
        and mapping["cluster"]["routing"]["policy"] in ROUTING_POLICIES
        and not instance["kv"]["cpu_blocks"]
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_reference_cases_load_and_round_trip(path: Path, tmp_path: Path):
    mapping = load_mapping(path)
    if not is_available(mapping):
        with pytest.raises(InputError):
            load_scenario(path)
        return
    loaded = load_scenario(path)
    assert loaded.name == mapping["name"] and loaded.seed == mapping["seed"]
    assert list(loaded.instance.latency_model.alpha) == mapping["instance"]["latency_model"]["alpha"]
    assert load_scenario(scenario_mapping(loaded)) == loaded
    dump_yaml(scenario_mapping(loaded), tmp_path / "copy.yaml")
    assert load_scenario(tmp_path / "copy.yaml") == loaded


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "cluster").glob("h100x4*.yaml")), ids=lambda path: path.stem)
def test_the_default_clusters(path: Path):
    loaded = load_scenario(path)
    signals = loaded.cluster.routing.signals
    assert {signals.queue_depth.age_us, signals.batch_size.age_us, signals.kv.age_us} == {50_000}
    assert loaded.cluster.routing.prefix_index_blocks == 31_250
    assert loaded.cluster.instances == 4
    assert loaded.instance.kv.blocks == (132_139 if "big" in path.stem else 12_000)
    assert loaded.instance.latency_model.alpha[0] == 1601.350510688092


@pytest.mark.parametrize("zeros", [{}, {"alpha": [], "beta": []}, {"alpha": [0, 0, 0], "beta": [0.0, 0.0, 0.0]}])
def test_missing_coefficients_are_looked_up(zeros):
    entry = coefficient_table().find(**MODEL)
    instance = scenario(**MODEL, **zeros).instance
    assert (instance.latency_model.alpha, instance.latency_model.beta) == (entry.alpha, entry.beta)
    assert instance.kv.blocks == entry.kv_blocks


def test_the_default_deployment_is_filled_in():
    latency = scenario(model="ibm-granite/granite-3.1-8b-instruct").instance.latency_model
    assert (latency.gpu, latency.tp) == ("H100", 4)


def test_given_numbers_win_over_the_table():
    mapping = {"instance": {"latency_model": {**MODEL}, "kv": {"blocks": 500}}}
    assert load_scenario(mapping).instance.kv.blocks == 500
    given = scenario(**MODEL, alpha=[1, 2, 3], beta=[4, 5, 6]).instance
    assert given.latency_model.beta == (4.0, 5.0, 6.0) and given.kv.blocks == 1_000_000


def test_a_looked_up_cache_keeps_its_tokens_when_blocks_are_larger():
    mapping = {"instance": {"latency_model": {**MODEL}, "kv": {"block_size_tokens": 32}}}
    assert load_scenario(mapping).instance.kv.blocks == 132_139 // 2


def test_defaults_of_a_short_file():
    loaded = scenario(**MODEL)
    assert loaded.cluster.routing.scorers == DEFAULT_SCORERS
    assert loaded.horizon_us is None and loaded.cluster.instances == 1


def test_loading_changes_nothing_in_the_mapping_it_was_given():
    mapping = {"instance": {"latency_model": {**MODEL}, "kv": {}}, "workload": {"seed": 1}}
    before = repr(mapping)
    load_scenario(mapping)
    assert repr(mapping) == before


def test_an_embedded_workload_is_left_aside():
    mapping = {"instance": {"latency_model": MODEL}, "workload": {"anything": 1}}
    assert load_scenario(mapping) == scenario(**MODEL)
    assert split_workload(mapping) == ({"instance": {"latency_model": MODEL}}, {"anything": 1})
    with pytest.raises(InputError, match="workload must be a mapping"):
        load_scenario({**mapping, "workload": [1]})


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ({}, ["instance.latency_model: give alpha and beta, or the model"]),
        ({"instance": None}, ["instance must be a mapping"]),
        ({"instance": {"latency_model": {"alpha": [1, 2, 3]}}}, ["alpha is given without beta"]),
        ({"instance": {"latency_model": {"beta": [1, 2, 3], "alpha": []}}}, ["beta is given without alpha"]),
        ({"instance": {"latency_model": {"alpha": [1, 2], "beta": [1, 2, 3]}}}, ["alpha must be a list of 3 values"]),
        ({"instance": {"latency_model": {"alpha": [1, 2, "x"], "beta": [1, 2, 3]}}}, ["latency_model.alpha[2]", "'x'"]),
        ({"instance": {"latency_model": {"alpha": [1, 2, -1], "beta": [1, 2, 3]}}}, ["alpha[2] must be", "got -1"]),
        ({"instance": {"latency_model": {"kind": "rooflin"}}}, ["latency_model.kind 'rooflin'"]),
        ({"instance": {"latency_model": {"model": 8}}}, ["instance.latency_model.model must be a text, got 8"]),
        ({"instance": {"latency_model": {**MODEL, "tp": "2"}}}, ["latency_model.tp must be a whole number, got '2'"]),
        ({"instance": {"latency_model": {**MODEL, "tp": 16}}}, ["tp 16", "there are:"]),
        ({"instance": {"latency_model": MODEL}, "clutser": {}}, ["unknown key 'clutser'", "did you mean 'cluster'?"]),
        (
            {"instance": {"latency_model": MODEL}, "cluster": {"routing": {"signals": {"kv": {"age": 3}}}}},
            ["cluster.routing.signals.kv: unknown key 'age'", "did you mean 'age_us'?"],
        ),
        (
            {"instance": {"latency_model": MODEL, "kv": {"blocks": 0}}},
            ["instance.kv", "kv.blocks must be", "got 0"],
        ),
        ({"instance": {"latency_model": MODEL}, "cluster": {"instances": True}}, ["cluster.instances must be a whole"]),
        ({"instance": {"latency_model": MODEL}, "horizon_us": 0}, ["horizon_us must be", "got 0"]),
    ],
)
def test_mistakes_name_the_key_and_what_is_right(mapping, parts):
    with pytest.raises(InputError) as caught:
        load_scenario(mapping)
    for part in parts:
        assert part in str(caught.value)


def test_errors_in_files_name_the_file(tmp_path: Path):
    (tmp_path / "s.yaml").write_text("instance: {latency_model: {model: unheard-of}}\n")
    with pytest.raises(InputError, match=r"s\.yaml: unknown model 'unheard-of'"):
        load_scenario(tmp_path / "s.yaml")


def test_an_empty_bundle_changes_nothing():
    loaded = scenario(**MODEL)
    assert apply_bundle(loaded, PolicyBundle()) == loaded


def test_a_bundle_wins_where_it_says_something():
    bundle = load_bundle(
        {
            "admission": {"policy": "token-bucket", "token_bucket_capacity": 0},
            "routing": {"scorers": [{"name": "load-balance", "weight": 1}], "tie_break": "random"},
            "engine": {"max_running": 8},
        }
    )
    loaded = scenario(**MODEL)
    changed = apply_bundle(loaded, bundle)
    assert changed.cluster.admission.policy == "token-bucket"
    assert changed.cluster.admission.token_bucket.capacity_tokens == 0
    assert changed.cluster.admission.token_bucket.refill_tokens_per_s == 1000
    assert changed.cluster.routing.policy == loaded.cluster.routing.policy
    assert changed.cluster.routing.scorers == (Scorer("load-balance", 1.0),)
    assert changed.cluster.routing.tie_break == "random"
    assert changed.instance.batch == replace(loaded.instance.batch, max_running=8)
    assert changed.instance.kv == loaded.instance.kv


def test_no_result_depends_on_which_bundle_came_before():
    first, second = load_bundle({"scheduler": "fcfs"}), load_bundle({"engine": {"long_prefill_threshold": 256}})
    loaded = scenario(**MODEL)
    assert apply_bundle(apply_bundle(loaded, first), second) == apply_bundle(apply_bundle(loaded, second), first)
