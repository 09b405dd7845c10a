"""Bundles: wrong ones are refused with the right key named, right ones round-trip byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blis.config import Filter, Scorer
from blis.errors import InputError
from blis.policies.bundle import (
    BundleAdmission,
    BundleEngine,
    BundleRouting,
    BundleTier,
    PolicyBundle,
    bundle_digest,
    bundle_mapping,
    load_bundle,
)
from blis.policies.scorers import SCORERS
from blis.yaml_strict import dump_yaml, yaml_text
from tests.places import CONF

POLICIES = CONF / "policy"

FULL = {
    "admission": {"policy": "token-bucket", "token_bucket_capacity": 0, "token_bucket_refill_rate": 12.5},
    "routing": {
        "policy": "weighted",
        "scorers": [{"name": "prefix-affinity", "weight": 3}, {"name": "queue-waiting", "weight": 0.125}],
        "tie_break": "random",
    },
    "priority": {"policy": "constant"},
    "scheduler": "fcfs",
    "engine": {"max_scheduled_tokens": 512, "max_running": 16, "long_prefill_threshold": 0},
    "provenance": {"run_id": "abc", "seeds": [1, 2], "gain": 3.0},
}


def test_every_key_loads_and_comes_back():
    bundle = load_bundle(FULL)
    assert bundle.admission == BundleAdmission("token-bucket", {"capacity_tokens": 0.0, "refill_tokens_per_s": 12.5})
    assert bundle.routing.scorers == (Scorer("prefix-affinity", 3.0), Scorer("queue-waiting", 0.125))
    assert bundle.engine == BundleEngine(512, 16, 0)
    assert bundle_mapping(bundle) == FULL
    assert list(bundle_mapping(bundle)) == list(FULL)


#: A value for every key that the original does not have.
WIDE = {
    "admission": {"policy": "tier-shed", "parameters": {"max_load": 12, "min_priority": 0.5}},
    "flow_control": {
        "enabled": True,
        "detector": "utilization",
        "max_concurrency": 7,
        "queue_threshold": 2.5,
        "kv_threshold": 0.5,
        "ordering": "deadline",
        "fairness": "round-robin",
        "bands": "weighted",
        "priority_bands": [{"priority": 3, "weight": 4, "ttl_us": 0}, {"priority": -1, "weight": 1, "max_requests": 5}],
        "max_requests_per_band": 10,
        "ttl_us": 0,
        "interval_us": 500,
    },
    "routing": {
        "policy": "weighted",
        "scorers": [
            {"name": "no-hit-lru", "weight": 1},
            {"name": "active-requests", "weight": 2, "parameters": {"idle_threshold": 2, "max_busy_score": 0.5}},
        ],
        "filters": [{"name": "prefix-affinity", "parameters": {"threshold": 0.9}}, {"name": "load"}],
        "picker": "weighted-random",
    },
    "priority": {"policy": "class-age", "parameters": {"age_per_s": 0}},
    "scheduler": "shortest-predicted-output",
    "scheduler_parameters": {"noise": 0.25},
    "preemption": "priority",
    "slo_tiers": {"batch": {"priority": -4}, "critical": {"weight": 2, "ttft_ms": 250}},
}


def test_every_key_of_ours_loads_and_comes_back(tmp_path: Path):
    bundle = load_bundle(WIDE)
    assert bundle_mapping(bundle) == WIDE
    assert bundle.slo_tiers["batch"] == BundleTier(priority=-4.0)
    assert bundle.routing.filters == (Filter("prefix-affinity", {"threshold": 0.9}), Filter("load"))
    dump_yaml(bundle_mapping(bundle), tmp_path / "b.yaml")
    assert load_bundle(tmp_path / "b.yaml") == bundle


def test_the_order_of_keys_changes_neither_bytes_nor_digest():
    def turned(value):
        if isinstance(value, dict):
            return {key: turned(item) for key, item in reversed(value.items())}
        return value

    one, other = load_bundle(WIDE), load_bundle(turned(WIDE))
    assert one == other and bundle_digest(one) == bundle_digest(other)
    assert yaml_text(bundle_mapping(one)) == yaml_text(bundle_mapping(other))


def test_no_filters_and_unset_filters_differ():
    assert load_bundle({"routing": {"filters": []}}).routing.filters == ()
    assert load_bundle({"routing": {"filters": None}}).routing.filters is None
    assert bundle_mapping(load_bundle({"routing": {"filters": []}})) == {"routing": {"filters": []}}


def test_parameters_change_the_digest():
    bundles = [load_bundle({"admission": {"policy": "tier-shed", "parameters": {"max_load": n}}}) for n in (1, 2)]
    assert len({bundle_digest(bundle) for bundle in bundles}) == 2


def test_unset_and_zero_differ():
    assert load_bundle({}).admission.parameters is None
    assert load_bundle({"admission": {"token_bucket_capacity": 0}}).admission.parameters == {"capacity_tokens": 0.0}
    assert bundle_mapping(load_bundle({"engine": {"long_prefill_threshold": 0}})) == {
        "engine": {"long_prefill_threshold": 0}
    }


@pytest.mark.parametrize(
    "mapping",
    [
        {},
        {"admission": None, "routing": {"policy": "", "scorers": [], "tie_break": None}, "scheduler": ""},
        {"flow_control": {"detector": ""}, "slo_tiers": {"batch": {}}, "preemption": "", "scheduler_parameters": {}},
        {"routing": {"parameters": {}, "picker": ""}, "admission": {"parameters": None}},
        {"admission": {"policy": ""}, "priority": {"policy": None}, "engine": {}, "provenance": {}},
    ],
)
def test_empty_means_unset(mapping):
    assert load_bundle(mapping) == PolicyBundle()
    assert bundle_mapping(load_bundle(mapping)) == {}


def test_a_comment_only_file_is_an_empty_bundle(tmp_path: Path):
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    assert load_bundle(tmp_path / "empty.yaml") == PolicyBundle()


def test_equal_policies_have_equal_bytes_and_digests(tmp_path: Path):
    built = PolicyBundle(routing=BundleRouting("weighted", (Scorer("queue-depth", 3),)), scheduler="fcfs")
    read = load_bundle(
        {"scheduler": "fcfs", "routing": {"scorers": [{"weight": 3.0, "name": "queue-depth"}], "policy": "weighted"}}
    )
    assert built == read and hash(built) == hash(read)
    dump_yaml(bundle_mapping(built), tmp_path / "a.yaml")
    dump_yaml(bundle_mapping(read), tmp_path / "b.yaml")
    assert (tmp_path / "a.yaml").read_bytes() == (tmp_path / "b.yaml").read_bytes()
    assert bundle_digest(built) == bundle_digest(read)
    assert load_bundle(tmp_path / "a.yaml") == built


def test_the_digest_follows_decisions_and_not_provenance():
    bundle = load_bundle(FULL)
    assert bundle_digest(replace(bundle, provenance={"run_id": "other"})) == bundle_digest(bundle)
    others = [replace(bundle, engine=BundleEngine()), replace(bundle, scheduler=None), PolicyBundle()]
    assert len({bundle_digest(other) for other in [bundle, *others]}) == 4


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ({"failures": {}}, ["unknown key 'failures': a scenario says it, as 'cluster.failures'"]),
        ({"clients": {"timeout_us": 5}}, ["unknown key 'clients': a scenario says it, as 'clients'"]),
        ({"routng": {}}, ["unknown key 'routng'", "did you mean 'routing'?"]),
        ({"routing": {"cache_weight": 1}}, ["routing:", "unknown key 'cache_weight'", "scorers"]),
        ({"routing": {"load_weight": 1}}, ["routing:", "unknown key 'load_weight'"]),
        ({"routing": {"policy": "wieghted"}}, ["'wieghted'", "did you mean 'weighted'?", "least-loaded"]),
        ({"routing": {"tie_break": "last"}}, ["routing.tie_break", "'last'", "first, random"]),
        ({"admission": {"policy": "token bucket"}}, ["did you mean 'token-bucket'?"]),
        ({"admission": {"token_bucket_capacity": -1}}, ["admission.token_bucket_capacity must be >= 0, got -1"]),
        ({"admission": {"token_bucket_refill_rate": float("inf")}}, ["token_bucket_refill_rate must be finite"]),
        ({"admission": {"token_bucket_capacity": "9"}}, ["admission.token_bucket_capacity must be a number, got '9'"]),
        ({"scheduler": {"policy": "fcfs"}}, ["scheduler must be a text"]),
        ({"scheduler": "lifo"}, ["unknown scheduler 'lifo'"]),
        ({"priority": {"policy": "fast"}}, ["unknown priority policy 'fast'"]),
        ({"engine": {"max_running": 0}}, ["engine:", "max_running", "got 0"]),
        ({"engine": {"max_running": 2.5}}, ["engine.max_running must be a whole number, got 2.5"]),
        ({"admission": {"parameters": {"max_load": 3}}}, ["admission.parameters is given without a policy"]),
        ({"routing": {"parameters": {"spill_load": 3}}}, ["routing.parameters is given without a policy"]),
        ({"priority": {"parameters": {"age_per_s": 3}}}, ["priority.parameters is given without a policy"]),
        ({"scheduler_parameters": {"noise": 3}}, ["scheduler_parameters is given without a policy"]),
        (
            {"admission": {"policy": "tier-shed", "parameters": {"max_loads": 3}}},
            ["admission:", "'max_loads'", "did you mean 'max_load'?"],
        ),
        (
            {"admission": {"policy": "token-bucket", "parameters": {"capacity_tokens": 3}}},
            ["admission.parameters must be empty", "token_bucket_capacity"],
        ),
        ({"admission": {"policy": "tier-shed", "parameters": {"max_load": 0}}}, ["max_load of", "got 0"]),
        ({"admission": {"policy": "tier-shed", "parameters": {"max_load": "x"}}}, ["parameters.max_load", "'x'"]),
        ({"routing": {"filters": [{"name": "lod"}]}}, ["filters[0]", "did you mean 'load'?"]),
        ({"routing": {"filters": [{"name": "load"}] * 2}}, ["'load' twice"]),
        ({"routing": {"policy": "random", "picker": "weighted-random"}}, ["weighted-random", "'weighted'"]),
        ({"flow_control": {"detecter": "never"}}, ["flow_control: unknown key 'detecter' (did you mean 'detector'?)"]),
        ({"flow_control": {"ordering": "deadlin"}}, ["flow_control.ordering", "did you mean 'deadline'?"]),
        ({"flow_control": {"kv_threshold": 2}}, ["flow_control.kv_threshold must be", "got 2"]),
        ({"preemption": "head"}, ["unknown preemption 'head'", "priority, tail"]),
        ({"slo_tiers": {"gold": {"ttft_ms": -1}}}, ["slo_tiers.gold", "ttft_ms", "got -1"]),
        ({"slo_tiers": {"gold": {"prio": 1}}}, ["slo_tiers.gold: unknown key 'prio'"]),
        ({"slo_tiers": {"gold": 3}}, ["slo_tiers.gold must be a mapping", "got 3"]),
        ({"admission": {"token_bucket_capacity": 1e16}}, ["admission.token_bucket_capacity must be in [0, 1e+15]"]),
        ({"provenance": "me"}, ["provenance must be a mapping"]),
        (["routing"], ["policy bundle must be a mapping"]),
    ],
)
def test_wrong_bundles_name_key_value_and_choices(mapping, parts):
    with pytest.raises(InputError) as caught:
        load_bundle(mapping)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("scorers", "parts"),
    [
        ([{"name": "queue-depth", "weight": float("nan")}], ["scorers[0]", "'queue-depth'", "finite", "nan"]),
        ([{"name": "queue-depth", "weight": 1}, {"name": "kv-utilization", "weight": 0}], ["scorers[1]", "> 0, got 0"]),
        ([{"name": "queue-dept", "weight": 1}], ["scorers[0]", "did you mean 'queue-depth'?"]),
        ([{"name": "queue-depth"}], ["missing key routing.scorers[0].weight"]),
        ([{"name": "queue-depth", "weight": 1}] * 2, ["routing", "'queue-depth' twice"]),
        ([{"name": "queue-depth", "weight": 1, "parameters": {"threshold": 1}}], ["scorers[0]", "'queue-depth'"]),
        (
            [{"name": "active-requests", "weight": 1, "parameters": {"idle_treshold": 1}}],
            ["scorers[0]", "did you mean 'idle_threshold'?"],
        ),
        (
            [{"name": "active-requests", "weight": 1, "parameters": {"max_busy_score": 1.5}}],
            ["scorers[0]", "max_busy_score of routing scorer 'active-requests' must be in [0, 1], got 1.5"],
        ),
    ],
)
def test_scorers_are_checked_whatever_the_policy_is(scorers, parts):
    for policy in ("round-robin", "weighted", ""):
        with pytest.raises(InputError) as caught:
            load_bundle({"routing": {"policy": policy, "scorers": scorers}})
        for part in parts:
            assert part in str(caught.value)


def test_parameters_of_a_scorer_come_in_their_declared_order():
    given = {"max_busy_score": 0.5, "idle_threshold": 2.0}
    bundle = load_bundle({"routing": {"scorers": [{"name": "active-requests", "weight": 1, "parameters": given}]}})
    (scorer,) = bundle.routing.scorers
    assert list(scorer.parameters.items()) == [("idle_threshold", 2.0), ("max_busy_score", 0.5)]


def test_errors_in_files_name_file_and_line(tmp_path: Path):
    (tmp_path / "twice.yaml").write_text("routing:\n  policy: weighted\nrouting:\n  policy: round-robin\n")
    with pytest.raises(InputError, match=r"twice\.yaml: line 3: duplicate key 'routing'"):
        load_bundle(tmp_path / "twice.yaml")
    (tmp_path / "broken.yaml").write_text("routing: {policy: weighted\nscheduler: fcfs\n")
    with pytest.raises(InputError, match=r"broken\.yaml: line \d+:"):
        load_bundle(tmp_path / "broken.yaml")
    (tmp_path / "key.yaml").write_text("sheduler: fcfs\n")
    with pytest.raises(InputError, match=r"key\.yaml: unknown key 'sheduler' \(did you mean 'scheduler'\?\)"):
        load_bundle(tmp_path / "key.yaml")
    with pytest.raises(InputError, match="No such file"):
        load_bundle(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("path", sorted(POLICIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_named_policies_are_complete_and_round_trip(path: Path, tmp_path: Path):
    bundle = load_bundle(path)
    assert bundle.engine == BundleEngine(2048, 256, 0)  # all baselines share the engine's knobs
    assert bundle.admission.policy == "always-admit"
    assert bundle.scheduler == ("priority-fcfs" if path.stem == "tiers-aged" else "fcfs")
    dump_yaml(bundle_mapping(bundle), tmp_path / "copy.yaml")
    assert load_bundle(tmp_path / "copy.yaml") == bundle


def test_the_two_defaults_differ_in_queue_scorer_and_ties():
    llm_d, blis = (
        load_bundle(POLICIES / "llm-d-default.yaml").routing,
        load_bundle(POLICIES / "blis-default.yaml").routing,
    )
    assert llm_d.scorers is not None and blis.scorers is not None
    assert [s.name for s in llm_d.scorers] == ["prefix-affinity", "queue-waiting", "kv-utilization"]
    assert [s.name for s in blis.scorers] == ["prefix-affinity", "queue-depth", "kv-utilization"]
    assert [s.weight for s in llm_d.scorers] == [s.weight for s in blis.scorers] == [3, 2, 2]
    assert (llm_d.tie_break, blis.tie_break) == ("random", "first")


@pytest.mark.parametrize("name", ["llm-d-default", "epp-estimate-prefix", "epp-precise-prefix", "lmetric"])
def test_what_is_named_after_llm_d_draws_ties_at_random_as_it_does(name: str):
    assert load_bundle(POLICIES / f"{name}.yaml").routing.tie_break == "random"


@pytest.mark.parametrize("name", SCORERS)
def test_every_registered_scorer_can_be_named(name: str):
    bundle = load_bundle({"routing": {"policy": "weighted", "scorers": [{"name": name, "weight": 1}]}})
    assert bundle.routing.scorers == (Scorer(name, 1.0),)
