"""Genomes and bundles: what one means to the other, and when two of them act alike."""

from random import Random

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from blis.policies.admission import ADMISSION
from blis.policies.bundle import bundle_mapping, load_bundle
from blis.policies.filters import FILTERS
from blis.policies.routing import ROUTING
from blis.scenario import apply_bundle, load_scenario
from search.application import compose_settings
from search.space.codec import check_space, complete_bundle, decode, encode, policy_id
from search.space.space import space_from_mapping

RATES = {"offered_tokens_per_s": 100_000.0}
SCENARIO = Scenario(Instance(LatencyModel(alpha=(1.0, 0.0, 0.0), beta=(1.0, 1.0, 1.0))))


@pytest.fixture(scope="module")
def default():
    return compose_settings([]).space


#: Baselines with templates that the default space does not have.
BEYOND_DEFAULT = ("sticky-until-saturated", "least-request", "lmetric", "power-of-two")


class TestCodec:
    def test_decode_then_encode_gives_the_genome_back(self, default):
        rng = Random(6)
        for _ in range(100):
            genome = default.sample(rng)
            weights = {key: value for key, value in genome.items() if key.startswith("routing.scorers.")}
            genome.update({key: value / max(weights.values()) for key, value in weights.items()})
            again = encode(default, decode(default, genome, RATES), SCENARIO, RATES)
            assert list(again) == list(genome)
            for key, value in genome.items():
                clipped = default.parameters[key].nearest(value)
                assert again[key] == (pytest.approx(clipped) if isinstance(value, float) else value)

    def test_relative_values_are_absolute_in_the_bundle(self, default):
        genome = default.complete(
            {
                "routing.policy": "round-robin",
                "admission.policy": "token-bucket",
                "admission.token_bucket_refill_rate": 1.5,
                "admission.token_bucket_capacity": 2.0,
            },
            Random(0),
        )
        numbers = decode(default, genome, RATES).admission.parameters
        assert numbers == {"capacity_tokens": 200_000.0, "refill_tokens_per_s": 150_000.0}

    def test_all_weights_zero_is_no_policy(self, default):
        genome = default.sample(Random(1)) | {"routing.policy": "weighted", "routing.tie_break": "first"}
        genome.update({key: 0.0 for key in default if key.startswith("routing.scorers.")})
        with pytest.raises(InputError, match="all scorer weights are zero"):
            decode(default, genome, RATES)

    def test_baselines_of_the_default_space_lie_in_it(self, default):
        settings = compose_settings([])
        for name, bundle in settings.baselines.items():
            genome = encode(default, bundle, settings.problem.scenario, settings.problem.rates)
            assert (genome is None) == (name in BEYOND_DEFAULT), name
        genome = encode(default, settings.baselines["llm-d-default"], settings.problem.scenario, RATES)
        assert genome["routing.scorers.prefix-affinity"] == 1.0
        assert genome["routing.scorers.queue-waiting"] == pytest.approx(2 / 3)
        assert genome["routing.scorers.queue-depth"] == 0

    def test_other_templates_lie_outside_a_space_of_weights(self):
        settings = compose_settings(["search_space=routing_weights"])
        inside = [
            name
            for name, bundle in settings.baselines.items()
            if encode(settings.space, bundle, settings.problem.scenario, RATES) is not None
        ]
        assert set(settings.baselines) - set(inside) == {"least-loaded", "round-robin", *BEYOND_DEFAULT}

    def test_equal_behaviour_has_one_id(self):
        spelled_out = load_bundle({"routing": {"policy": "round-robin", "tie_break": "random"}, "scheduler": "fcfs"})
        assert policy_id(SCENARIO, spelled_out) == policy_id(SCENARIO, load_bundle({}))
        other = load_bundle({"routing": {"policy": "least-loaded"}})
        assert policy_id(SCENARIO, other) != policy_id(SCENARIO, load_bundle({}))
        assert len(policy_id(SCENARIO, other)) == 12

    def test_completing_twice_changes_nothing(self):
        bundle = load_bundle({"routing": {"policy": "weighted"}, "admission": {"policy": "token-bucket"}})
        once = complete_bundle(SCENARIO, bundle)
        assert complete_bundle(SCENARIO, once) == once
        assert set(bundle_mapping(once)) == {"admission", "routing", "priority", "scheduler", "engine"}

    def test_a_completed_bundle_acts_the_same_and_says_so_in_its_id(self):
        plain = {"instance": {"latency_model": {"alpha": [1, 0, 0], "beta": [1, 1, 1]}}}
        special = {
            "instance": {**plain["instance"], "preemption": "priority"},
            "cluster": {
                "instances": 3,
                "flow_control": {"enabled": True, "max_concurrency": 5},
                "routing": {"policy": "weighted", "picker": "weighted-random", "filters": [{"name": "load"}]},
            },
            "slo_tiers": {"critical": {"priority": 4, "weight": 1, "ttft_ms": 100}},
            "pools": [{"count": 1, "batch": {"max_running": 8}}, {"count": 2}],
        }
        bundles = [
            {},
            {"admission": {"policy": "tier-shed"}},
            {"admission": {"policy": "tier-shed", "parameters": {"max_load": 3}}},
            {"admission": {"policy": "tenant-token-bucket", "token_bucket_capacity": 3}},
            {"flow_control": {"enabled": True}},
            {"flow_control": {"enabled": True, "detector": "utilization"}},
            {"flow_control": {"enabled": False}, "preemption": "tail"},
            {"preemption": "priority"},
            {"routing": {"filters": []}},
            {"routing": {"policy": "weighted", "picker": "weighted-random"}},
            {"routing": {"policy": "session-affinity", "parameters": {"spill_load": 2}}},
            {"slo_tiers": {"critical": {"ttft_ms": 400}}},
            {"slo_tiers": {"critical": {"ttft_ms": 30}}},
            {"scheduler": "shortest-predicted-output", "scheduler_parameters": {"noise": 1}},
            {"priority": {"policy": "class-age"}},
            {"engine": {"max_running": 8}},
        ]
        for scenario in (load_scenario(plain), load_scenario(special)):
            acts = {}
            for bundle in map(load_bundle, bundles):
                complete = complete_bundle(scenario, bundle)
                assert complete_bundle(scenario, complete) == complete
                key = policy_id(scenario, bundle)
                assert acts.setdefault(key, effect(scenario, bundle)) == effect(scenario, complete)
                assert acts[key] == effect(scenario, bundle)

    def test_default_parameters_and_the_order_of_keys_change_no_id(self):
        named = load_bundle({"admission": {"policy": "tier-shed"}})
        spelled = load_bundle({"admission": {"policy": "tier-shed", "parameters": {"min_priority": 0, "max_load": 64}}})
        assert policy_id(SCENARIO, named) == policy_id(SCENARIO, spelled)

    def test_parameters_can_be_searched_beside_their_policy(self):
        space = space_from_mapping(
            {
                "admission": {
                    "policy": {"type": "categorical", "choices": ["always-admit", "tier-shed"]},
                    "parameters": {
                        "max_load": {"type": "float", "low": 1, "high": 9, "when": {"admission.policy": "tier-shed"}}
                    },
                },
                "preemption": {"type": "categorical", "choices": ["tail", "priority"]},
                "fixed": {"routing": {"filters": [{"name": "load"}]}},
            }
        )
        check_space(space, SCENARIO, RATES)
        genome = {"admission.policy": "tier-shed", "admission.parameters.max_load": 2.5, "preemption": "priority"}
        bundle = decode(space, genome, RATES)
        assert bundle.admission.parameters == {"max_load": 2.5} and bundle.preemption == "priority"
        assert encode(space, bundle, SCENARIO, RATES) == genome
        unfiltered = load_bundle({"routing": {"filters": []}})
        assert encode(space, unfiltered, SCENARIO, RATES) is None


def effect(scenario, bundle):
    """What decides, as far as this can be read off the scenario: parameters with their defaults, active knobs."""
    applied = apply_bundle(scenario, bundle)
    admission, routing = applied.cluster.admission, applied.cluster.routing
    return (
        (admission.policy, ADMISSION.values(admission.policy, admission.parameters)),
        applied.cluster.flow_control if applied.cluster.flow_control.enabled else None,
        (routing.policy, ROUTING.values(routing.policy, routing.parameters), routing.picker),
        [(one.name, FILTERS.values(one.name, one.parameters)) for one in routing.filters],
        (applied.instance.scheduler, applied.instance.priority, applied.instance.preemption),
        [replica.instance.batch for replica in applied.replicas],
        [applied.tier(name) for name in ("critical", "batch", "")],
    )
