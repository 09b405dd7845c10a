"""Search spaces: what is drawn is valid, what is wrong is refused."""

from random import Random

import pytest

from blis.config import Instance, LatencyModel, Scenario
from blis.errors import InputError
from search.application import compose_settings
from search.space.codec import check_space
from search.space.parameters import Category, Number
from search.space.space import genome_key, space_from_mapping

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


def test_corners_reach_every_extreme_of_every_parameter_with_the_keys_it_needs(default):
    needs_the_first_choice = space_from_mapping(
        {
            "admission": {
                "policy": {"type": "categorical", "choices": ["tier-shed", "always-admit"]},
                "parameters": {
                    "max_load": {"type": "float", "low": 1, "high": 9, "when": {"admission.policy": "tier-shed"}}
                },
            }
        }
    )
    for space in (default, needs_the_first_choice):
        corners = list(space.corners())
        for key, parameter in space.parameters.items():
            assert {corner[key] for corner in corners if key in corner} >= set(parameter.extremes()), key
        assert all(list(corner) == [key for key in space if space.is_active(key, corner)] for corner in corners)


def test_a_genome_has_one_key_whatever_the_order_of_its_genes():
    genome = {"a": 1, "b": "x"}
    assert genome_key(genome) == genome_key(dict(reversed(genome.items()))) != genome_key(genome | {"a": 2})


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
            (
                {
                    **leaf(when={"routing.policy": "weighted"}),
                    "routing": {"policy": {"type": "categorical", "choices": ["weighted", "round-robin"]}},
                },
                "'routing.policy' must be a categorical parameter declared before it",
            ),
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
