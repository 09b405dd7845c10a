import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.draw.lengths import LENGTH_LAWS, Distribution
from blis.workload.draw.streams import stream

EXAMPLES = [
    Distribution("constant", {"value": 500}),
    Distribution("exponential", {"mean": 900}),
    Distribution("exponential", {"mean": 3}),
    Distribution("exponential", {"mean": 220, "min": 2, "max": 1024}),
    Distribution("exponential", {"mean": 100, "min": 90, "max": 110}),
    Distribution("gaussian", {"mean": 256, "std_dev": 100, "min": 2, "max": 800}),
    Distribution("gaussian", {"mean": 100, "std_dev": 400, "min": 0, "max": 300}),
    Distribution("gaussian", {"mean": 50, "std_dev": 0, "min": 60, "max": 70}),
    Distribution("log_uniform", {"min": 2000, "max": 9000}),
    Distribution("log_uniform", {"min": 64, "max": 64}),
]


def test_every_law_has_an_example():
    assert {example.type for example in EXAMPLES} == set(LENGTH_LAWS)


@pytest.mark.parametrize("law", EXAMPLES, ids=str)
def test_draws_are_whole_within_bounds_and_have_the_stated_mean(law):
    draws = law.sample(stream(1, "x"), 40_000)
    assert draws.dtype == np.int64
    assert draws.min() >= max(1, law.params.get("min", 1))
    assert draws.max() <= law.params.get("max", np.inf)
    assert draws.mean() == pytest.approx(law.mean_tokens, rel=0.02, abs=0.5)


@pytest.mark.parametrize(("mean", "tokens"), [(10.4, 10), (10.6, 11), (0.2, 1)])
def test_lengths_are_rounded_to_the_nearest_and_at_least_one(mean, tokens):
    law = Distribution("gaussian", {"mean": mean, "std_dev": 0, "min": 0, "max": 99})
    assert law.sample(stream(1, "x"), 3).tolist() == [tokens] * 3


@pytest.mark.parametrize(
    ("law", "mean"),
    [(EXAMPLES[0], 500), (EXAMPLES[1], 900), (EXAMPLES[5], 256), (EXAMPLES[8], 7000 / np.log(4.5))],
    ids=str,
)
def test_means_are_those_of_the_textbook(law, mean):
    assert law.mean_tokens == pytest.approx(mean, rel=0.02)


@pytest.mark.parametrize("law", EXAMPLES, ids=str)
def test_more_draws_are_a_continuation(law):
    np.testing.assert_array_equal(law.sample(stream(2, "x"), 10), law.sample(stream(2, "x"), 1000)[:10])


def test_log_uniform_halves_at_the_geometric_mean():
    draws = Distribution("log_uniform", {"min": 2000, "max": 9000}).sample(stream(3, "x"), 20_000)
    assert np.mean(draws < np.sqrt(2000 * 9000)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("type_", "params", "problem"),
    [
        ("gausian", {}, "unknown type 'gausian' .did you mean 'gaussian'"),
        ("exponential", {}, "params.mean is missing"),
        ("exponential", {"mean": 0}, "params.mean must be > 0"),
        ("exponential", {"mean": -50}, "params.mean must be"),
        ("exponential", {"mean": float("nan")}, "params.mean must be finite"),
        ("exponential", {"mean": 5, "maximum": 3}, "unknown parameter of exponential 'maximum'"),
        ("exponential", {"mean": 5, "min": 9, "max": 3}, "params.min 9 is above params.max 3"),
        ("exponential", {"mean": 1e300}, "params.mean must be"),
        ("gaussian", {"mean": 5, "std_dev": -1, "min": 1, "max": 3}, "params.std_dev must be"),
        ("gaussian", {"mean": 5, "std_dev": 1, "min": -1, "max": 3}, "params.min must be"),
        ("gaussian", {"mean": 5, "std_dev": 1, "min": 0, "max": 0}, "params.max must be"),
        ("gaussian", {"mean": 5, "std_dev": 1}, "params.min is missing"),
        ("constant", {"value": 0}, "params.value must be"),
        ("log_uniform", {"min": 0, "max": 5}, "params.min must be"),
    ],
)
def test_bad_parameters_are_named(type_, params, problem):
    with pytest.raises(InputError, match=problem):
        Distribution(type_, params)
