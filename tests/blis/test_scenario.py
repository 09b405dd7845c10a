"""Scenario files: the reference layout loads, coefficients are found, bundles apply, mistakes are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blis.config import (
    PROFILES,
    Batch,
    Breaker,
    Cluster,
    Compat,
    Filter,
    Pool,
    Retries,
    Scenario,
    Scorer,
    SloTier,
    default_scorers,
)
from blis.errors import InputError
from blis.latency.plausible import implausible
from blis.latency.table import coefficient_table
from blis.policies.bundle import PolicyBundle, load_bundle
from blis.scenario import apply_bundle, load_scenario, member_scenario, scenario_mapping, split_workload
from blis.yaml_strict import dump_yaml, load_mapping
from tests.places import ROOT

CASES = sorted((ROOT / "tests/data/reference").glob("*/config.yaml"))
MODEL = {"model": "meta-llama/llama-3.1-8b-instruct", "gpu": "H100", "tp": 2}


def scenario(**latency_model: object) -> Scenario:
    return load_scenario({"instance": {"latency_model": latency_model}})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_reference_cases_load_and_round_trip(path: Path, tmp_path: Path):
    mapping = load_mapping(path)
    loaded = load_scenario(path)
    assert loaded.name == mapping["name"] and loaded.seed == mapping["seed"]
    assert list(loaded.instance.latency_model.alpha) == mapping["instance"]["latency_model"]["alpha"]
    assert load_scenario(scenario_mapping(loaded)) == loaded
    dump_yaml(scenario_mapping(loaded), tmp_path / "copy.yaml")
    assert load_scenario(tmp_path / "copy.yaml") == loaded


def test_reference_cases_keep_their_second_tier_and_roofline():
    named = {path.parent.name: path for path in CASES}
    if not named.keys() >= {"tiered_offload", "roofline_qwen14b_tp4"}:
        pytest.skip("only some of the recorded cases are here")
    kv = load_scenario(named["tiered_offload"]).instance.kv
    assert (kv.cpu_blocks, kv.offload_threshold, kv.transfer_bandwidth) == (120, 0.3, 2.0)
    assert kv.transfer_base_latency_us == 40
    latency = load_scenario(named["roofline_qwen14b_tp4"]).instance.latency_model
    assert latency.roofline is not None and latency.roofline.model.num_layers == 40 and latency.tp == 4


def pools(*given: dict, **more: object) -> Scenario:
    return load_scenario({"instance": {"latency_model": MODEL, **more}, "pools": list(given)})


def test_pools_say_how_many_instances_there_are():
    loaded = pools({"count": 2, "labels": {"gpu": "H100", "lora": ["a", "b"]}}, {})
    assert loaded.cluster.instances == 3
    assert [replica.labels for replica in loaded.replicas] == [{"gpu": "H100", "lora": ["a", "b"]}] * 2 + [{}]
    with pytest.raises(InputError, match=r"cluster.instances is 4, but the pools have 3"):
        load_scenario({"instance": {"latency_model": MODEL}, "pools": [{"count": 3}], "cluster": {"instances": 4}})


def test_a_pool_takes_what_it_leaves_out_from_the_instance():
    loaded = pools(
        {"kv": {"blocks": 50}, "batch": {"max_running": 3}},
        {"latency_model": {"gpu": "A100-80", "tp": 1}},
        {"latency_model": {"alpha": [1, 2, 3], "beta": [4, 5, 6]}},
        kv={"block_size_tokens": 32, "cpu_blocks": 7},
        batch={"max_scheduled_tokens": 99},
    )
    first, second, third = (replica.instance for replica in loaded.replicas)
    assert (first.kv.blocks, first.kv.block_size_tokens, first.kv.cpu_blocks) == (50, 32, 7)
    assert (first.batch.max_running, first.batch.max_scheduled_tokens) == (3, 99)
    assert first.latency_model == loaded.instance.latency_model
    entry = coefficient_table().find(MODEL["model"], "A100-80", 1)
    assert second.latency_model.beta == entry.beta and second.kv.blocks == entry.kv_blocks // 2
    assert second.latency_model.model == MODEL["model"]
    assert third.latency_model.alpha == (1, 2, 3) and third.kv.blocks == 1_000_000


def test_tiers_take_what_they_leave_out_from_the_class_name():
    mapping = {"instance": {"latency_model": MODEL}, "slo_tiers": {"critical": {"ttft_ms": 9}, "x": {"priority": 2}}}
    assert load_scenario(mapping).slo_tiers == {"critical": SloTier(4, 1, 9), "x": SloTier(2, 1, 1000)}


def test_everything_comes_back_from_its_mapping():
    mapping = {
        "name": "n",
        "horizon_us": 7,
        "seed": 3,
        "cluster": {
            "admission": {"policy": "tier-shed", "latency_us": 5, "parameters": {"max_load": 3}},
            "flow_control": {"enabled": True, "ttl_us": 9},
            "routing": {
                "policy": "weighted",
                "filters": [{"name": "prefix-affinity", "parameters": {"threshold": 0.5}}],
                "scorers": [{"name": "token-load", "weight": 2}],
                "picker": "weighted-random",
                "signals": {"cache": {"age_us": 3}},
            },
        },
        "instance": {
            "latency_model": {"kind": "roofline", "model": "qwen3-14b", "gpu": "H100", "tp": 2},
            "kv": {"cpu_blocks": 3, "transfer_base_latency_us": 4},
            "scheduler": "shortest-predicted-output",
            "scheduler_parameters": {"noise": 1},
            "priority": "class-age",
            "priority_parameters": {"age_per_s": 2},
            "preemption": "priority",
        },
        "pools": [{"count": 2, "labels": {"a": ["b"]}}, {"latency_model": MODEL, "batch": {"max_running": 4}}],
        "slo_tiers": {"gold": {"weight": 2}},
    }
    loaded = load_scenario(mapping)
    again = scenario_mapping(loaded)
    assert load_scenario(again) == loaded
    assert scenario_mapping(load_scenario(again)) == again
    assert list(again) == [
        "name",
        "description",
        "pathological",
        "seed",
        "horizon_us",
        "cluster",
        "instance",
        "pools",
        "slo_tiers",
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "conf" / "cluster").glob("h100x4*.yaml")), ids=lambda path: path.stem)
def test_the_default_clusters(path: Path):
    loaded = load_scenario(path)
    signals = loaded.cluster.routing.signals
    assert {signals.queue_depth.age_us, signals.batch_size.age_us, signals.kv.age_us} == {50_000}
    assert loaded.cluster.routing.prefix_index_blocks == 31_250
    assert loaded.cluster.instances == 4
    assert loaded.instance.kv.blocks == (132_139 if "big" in path.stem else 12_000)
    assert (loaded.instance.latency_model.kind, loaded.instance.latency_model.tp) == ("roofline", 2)
    assert loaded.instance.engine == PROFILES["vllm-2026"]
    assert implausible(loaded.instance.latency_model, Compat()) == ""


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
    assert loaded.cluster.routing.scorers == default_scorers()
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
        ({"instance": {"latency_model": MODEL}, "pools": {"count": 1}}, ["pools must be a list"]),
        ({"instance": {"latency_model": MODEL}, "pools": [3]}, ["pools[0] must be a mapping", "got 3"]),
        ({"instance": {"latency_model": MODEL}, "pools": [{"count": "2"}]}, ["pools[0].count must be a whole number"]),
        ({"instance": {"latency_model": MODEL}, "pools": [{"cuont": 2}]}, ["pools[0]: unknown key 'cuont'"]),
        (
            {"instance": {"latency_model": MODEL}, "pools": [{"labels": {"gpu": 1}}]},
            ["labels.gpu", "got 1"],
        ),
        (
            {"instance": {"latency_model": MODEL}, "pools": [{"latency_model": {"gpu": "H10"}}]},
            ["gpu H10", "there are:"],
        ),
        ({"instance": {"latency_model": MODEL}, "pools": [{"kv": 5}]}, ["pools[0].kv must be a mapping"]),
        ({"instance": {"latency_model": MODEL}, "slo_tiers": {"a": {"ttft": 1}}}, ["slo_tiers.a: unknown key 'ttft'"]),
        ({"instance": {"latency_model": MODEL}, "slo_tiers": {"a": 1}}, ["slo_tiers.a must be a mapping", "got 1"]),
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
    assert changed.cluster.admission.parameters == {"capacity_tokens": 0}
    assert changed.cluster.routing.policy == loaded.cluster.routing.policy
    assert changed.cluster.routing.scorers == (Scorer("load-balance", 1.0),)
    assert changed.cluster.routing.tie_break == "random"
    assert changed.instance.batch == replace(loaded.instance.batch, max_running=8)
    assert changed.instance.kv == loaded.instance.kv


def test_a_named_policy_brings_its_own_parameters():
    mapping = {
        "instance": {
            "latency_model": MODEL,
            "scheduler": "shortest-predicted-output",
            "scheduler_parameters": {"noise": 2},
            "priority": "class-age",
            "priority_parameters": {"age_per_s": 9},
        },
        "cluster": {
            "admission": {"policy": "tier-shed", "parameters": {"max_load": 3}},
            "routing": {"policy": "session-affinity", "parameters": {"spill_load": 3}},
        },
    }
    bundle = load_bundle(
        {
            "admission": {"policy": "tier-shed"},
            "routing": {"policy": "session-affinity", "parameters": {"spill_load": 8}},
            "scheduler": "sjf",
            "priority": {"policy": "class-age", "parameters": {"age_per_s": 1}},
        }
    )
    changed = apply_bundle(load_scenario(mapping), bundle)
    assert changed.cluster.admission.parameters == {}
    assert changed.cluster.routing.parameters == {"spill_load": 8}
    assert (changed.instance.scheduler, changed.instance.scheduler_parameters) == ("sjf", {})
    assert changed.instance.priority_parameters == {"age_per_s": 1}
    untouched = apply_bundle(load_scenario(mapping), load_bundle({"preemption": "priority"}))
    assert untouched.cluster == load_scenario(mapping).cluster
    assert untouched.instance.scheduler_parameters == {"noise": 2} and untouched.instance.preemption == "priority"


def test_a_bundle_says_who_is_sent_again():
    retries = Retries(limit=1, budget=0.5)
    start = replace(scenario(**MODEL), cluster=Cluster(retries=retries))
    assert apply_bundle(start, load_bundle({})).cluster.retries == retries
    changed = apply_bundle(start, load_bundle({"retries": {"limit": 0, "backoff_us": 7}})).cluster.retries
    assert changed == Retries(limit=0, budget=0.5, backoff_us=7)


def test_a_bundle_says_when_an_instance_is_left_alone():
    start = replace(scenario(**MODEL), cluster=Cluster(breaker=Breaker(3, 7)))
    assert apply_bundle(start, load_bundle({})).cluster.breaker == Breaker(3, 7)
    assert apply_bundle(start, load_bundle({"breaker": {"failures": 0}})).cluster.breaker == Breaker(0, 7)


def test_a_bundle_sets_filters_picker_and_gateway_queue():
    start = load_scenario(
        {
            "instance": {"latency_model": MODEL},
            "cluster": {"routing": {"policy": "weighted", "picker": "weighted-random"}},
        }
    )
    bundle = load_bundle(
        {"flow_control": {"enabled": True, "ttl_us": 5}, "routing": {"policy": "random", "filters": [{"name": "load"}]}}
    )
    changed = apply_bundle(start, bundle).cluster
    assert (changed.flow_control.enabled, changed.flow_control.ttl_us) == (True, 5)
    assert changed.flow_control.detector == start.cluster.flow_control.detector
    assert changed.routing.filters == (Filter("load"),)
    assert changed.routing.picker == "max"  # the other one belongs to `weighted`
    with pytest.raises(InputError, match="'weighted-random' needs policy 'weighted'"):
        apply_bundle(scenario(**MODEL), load_bundle({"routing": {"picker": "weighted-random"}}))


def test_tiers_are_filled_up_from_the_scenario_or_the_name():
    start = replace(scenario(**MODEL), slo_tiers={"gold": SloTier(7, 2, 100)})
    changed = apply_bundle(
        start, load_bundle({"slo_tiers": {"gold": {"ttft_ms": 50}, "critical": {"weight": 3}, "new": {"priority": 1}}})
    )
    assert changed.slo_tiers == {"gold": SloTier(7, 2, 50), "critical": SloTier(4, 3, 400), "new": SloTier(1, 1, 1000)}


def test_engine_knobs_reach_every_pool():
    start = scenario(**MODEL)
    pools = (Pool(count=1, batch=Batch(max_running=3, max_scheduled_tokens=9)), Pool(count=2))
    start = replace(start, pools=pools, cluster=replace(start.cluster, instances=3))
    changed = apply_bundle(start, load_bundle({"engine": {"max_running": 8}}))
    assert [replica.instance.batch.max_running for replica in changed.replicas] == [8, 8, 8]
    assert [replica.instance.batch.max_scheduled_tokens for replica in changed.replicas] == [9, 2048, 2048]


def test_no_result_depends_on_which_bundle_came_before():
    first, second = load_bundle({"scheduler": "fcfs"}), load_bundle({"engine": {"long_prefill_threshold": 256}})
    loaded = scenario(**MODEL)
    assert apply_bundle(apply_bundle(loaded, first), second) == apply_bundle(apply_bundle(loaded, second), first)


def test_a_member_of_an_ensemble_has_one_of_every_model():
    linear = {"kind": "linear", "parameters": {"fixed_us": 100.0}}
    own = {**linear, "parameters": {"fixed_us": 900.0}, "ensemble": 3}
    loaded = load_scenario(
        {"instance": {"latency_model": {**linear, "ensemble": 2}}, "pools": [{}, {"latency_model": own}]}
    )
    members = [member_scenario(loaded, number) for number in range(7)]
    shared, pooled = ([each.replicas[i].instance.latency_model.factor for each in members] for i in (0, 1))
    assert shared[:2] == shared[2:4] == shared[4:6] and shared[0] != shared[1]
    assert pooled[:3] == pooled[3:6] and len({*pooled}) == 3
    assert {replica.instance.latency_model.ensemble for each in members for replica in each.replicas} == {0}


def test_without_an_ensemble_a_scenario_is_its_only_member():
    loaded = scenario(**MODEL)
    assert member_scenario(loaded, 5) is loaded


def test_the_mapping_of_a_latency_model_has_rare_keys_only_where_they_say_something():
    rare = {"factor": 1.5, "ensemble": 4, "allow_implausible": True}
    assert not {*rare, "fitted"} & {*scenario_mapping(scenario(**MODEL))["instance"]["latency_model"]}
    mapping = scenario_mapping(scenario(**MODEL, **rare))
    assert mapping["instance"]["latency_model"].items() >= rare.items()
    assert load_scenario(mapping) == scenario(**MODEL, **rare)
