"""Search spaces: what is drawn is valid, what is wrong is refused, genomes and bundles agree."""

from random import Random

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from search.application import compose_settings
from search.problem.policy import make_policy
from search.space.codec import check_space, decode, encode
from search.space.parameters import Category, Number, is_free
from search.space.space import space_from_mapping

RATES = {"offered_tokens_per_s": 100_000.0}
SCENARIO = Scenario(Instance(LatencyModel(alpha=(1.0, 0.0, 0.0), beta=(1.0, 1.0, 1.0))))


@pytest.fixture(scope="module")
def default():
    return compose_settings([]).space


def leaf(**values):
    return {"engine": {"max_running": {"type": "int", "low": 16, "high": 512, **values}}}


class TestSampling:
    def test_active_keys_and_only_those_within_bounds(self, default):
        rng = Random(3)
        templates = set()
        for _ in range(300):
            genome = default.sample(rng)
            templates.add((genome["routing.policy"], genome["admission.policy"]))
            assert ("routing.tie_break" in genome) == (genome["routing.policy"] == "weighted")
            assert ("admission.token_bucket_capacity" in genome) == (genome["admission.policy"] == "token-bucket")
            assert 256 <= genome["engine.max_scheduled_tokens"] <= 16384
            weights = [value for key, value in genome.items() if key.startswith("routing.scorers.")]
            assert all(weight == 0 or 0.01 <= weight <= 1 for weight in weights)
            assert not weights or any(weights)
        assert len(templates) == 6

    def test_logarithmic_range_is_drawn_on_the_logarithm(self):
        number, rng = Number(1, 10_000, log=True), Random(1)
        below = sum(number.sample(rng) < 100 for _ in range(4000))
        assert 1900 < below < 2100

    @pytest.mark.parametrize(
        "parameter",
        [Number(2, 9), Number(1, 1e4, log=True), Number(16, 512, integer=True), Number(0.01, 1, True, False, 0.3)],
    )
    def test_variations_stay_in_range(self, parameter):
        rng = Random(2)
        value = parameter.sample(rng)
        for _ in range(500):
            value = parameter.mutate(rng, value, 0.3)
            other = parameter.blend(rng, value, parameter.sample(rng))
            assert parameter.nearest(value) == value
            assert parameter.nearest(other) == other

    def test_mutation_changes_the_value(self):
        rng = Random(4)
        narrow = Number(16, 18, integer=True)
        assert all(narrow.mutate(rng, value, 1e-6) != value for value in (16, 17, 18) for _ in range(20))
        assert all(Category((0, 256)).mutate(rng, 0, 1.0) == 256 for _ in range(5))

    def test_zero_and_nonzero_weights_turn_into_each_other(self):
        weight, rng = Number(0.01, 1, log=True, zero_probability=0.3), Random(5)
        assert all(weight.mutate(rng, 0.0, 0.1) > 0 for _ in range(50))
        assert 0 < sum(weight.mutate(rng, 0.5, 0.1) == 0 for _ in range(100)) < 50


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
        admission = decode(default, genome, RATES).admission
        assert (admission.token_bucket_refill_rate, admission.token_bucket_capacity) == (150_000.0, 200_000.0)

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


class TestErrors:
    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            (leaf(low=600), "search_space.engine.max_running: low <= high must hold, got low 600 and high 512"),
            (leaf(low=512), "search_space has no free dimension"),
            ({}, "search_space has no free dimension"),
            (leaf(low=1.5), "search_space.engine.max_running.low must be a whole number, got 1.5"),
            (leaf(low=0, log=True), "search_space.engine.max_running: low must be > 0 on a logarithmic range, got 0"),
            (leaf(typ="int"), "search_space.engine.max_running: unknown key 'typ' (did you mean 'type'?)"),
            (leaf(type="integer"), "unknown type of search_space.engine.max_running 'integer' (did you mean 'int'?)"),
            (leaf(choices=[1]), "search_space.engine.max_running: only a categorical parameter has choices"),
            ({"engine": {"max_runing": {"type": "int", "low": 1, "high": 2}}}, "did you mean 'engine.max_running'?"),
            ({"engin": {"max_running": {"low": 1, "high": 2}}}, "unknown search space key 'engin'"),
            ({"engine": {"max_running": {"low": 1, "high": 2}}}, "search_space.engine.max_running: missing key type"),
            (leaf(when={"routing.policy": "weighted"}), "must be a categorical parameter declared before it"),
            (leaf(relative_to="tokens"), "unknown relative_to of search_space.engine.max_running 'tokens'"),
            (
                {"routing": {"policy": {"type": "categorical", "choices": ["wieghted", "round-robin"]}}},
                "unknown choice of search_space.routing.policy 'wieghted' (did you mean 'weighted'?)",
            ),
            ({"routing": {"policy": {"type": "int", "low": 1, "high": 2}}}, "search_space.routing.policy must be cat"),
            ({"routing": {"policy": {"type": "categorical", "choices": []}}}, "needs a list of choices"),
            ({"engine": {"max_running": {"type": "categorical", "choices": [8, 8]}}}, "choice 8 is listed twice"),
        ],
    )
    def test_nonsense_is_refused_with_its_key(self, mapping, message):
        with pytest.raises(InputError) as error:
            space_from_mapping(mapping)
        assert message in str(error.value)

    @pytest.mark.parametrize("values", [{"low": -5}, {"type": "float"}])
    def test_bounds_that_the_scenario_refuses(self, values):
        with pytest.raises(InputError, match=r"search_space: .*max_running"):
            check_space(space_from_mapping(leaf(**values)), SCENARIO, RATES)

    def test_a_fixed_part_is_checked_as_a_bundle(self):
        with pytest.raises(InputError, match=r"search_space: .*unknown key 'routin'"):
            check_space(space_from_mapping({**leaf(), "fixed": {"routin": {}}}), SCENARIO, RATES)

    def test_weights_that_can_only_be_zero(self):
        mapping = {**leaf(), "routing": {"scorers": {"queue-depth": {"type": "float", "low": 0, "high": 0}}}}
        with pytest.raises(InputError, match="every weight is fixed at zero"):
            space_from_mapping(mapping)


def test_a_single_value_is_not_free():
    assert not is_free(Category((3,)))
    assert not is_free(Number(2, 2))
    assert is_free(Number(0.01, 0.01, log=True, zero_probability=0.3))
