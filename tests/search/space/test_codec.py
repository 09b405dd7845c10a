"""Genomes and policies: what one means to the other."""

from random import Random

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from search.application import compose_settings
from search.problem.policy import make_policy
from search.space.codec import check_space, decode, encode
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
            again = encode(default, make_policy(SCENARIO, decode(default, genome, RATES)), RATES)
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
        for name, policy in settings.baselines.items():
            genome = encode(default, policy, settings.problem.rates)
            assert (genome is None) == (name in BEYOND_DEFAULT), name
        genome = encode(default, settings.baselines["llm-d-default"], RATES)
        assert genome["routing.scorers.prefix-affinity"] == 1.0
        assert genome["routing.scorers.queue-waiting"] == pytest.approx(2 / 3)
        assert genome["routing.scorers.queue-depth"] == 0

    def test_other_templates_lie_outside_a_space_of_weights(self):
        settings = compose_settings(["search_space=routing_weights"])
        inside = [
            name for name, policy in settings.baselines.items() if encode(settings.space, policy, RATES) is not None
        ]
        assert set(settings.baselines) - set(inside) == {"least-loaded", "round-robin", *BEYOND_DEFAULT}

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
        assert encode(space, make_policy(SCENARIO, bundle), RATES) == genome
        unfiltered = load_bundle({"routing": {"filters": []}})
        assert encode(space, make_policy(SCENARIO, unfiltered), RATES) is None
