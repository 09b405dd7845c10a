import numpy as np
import pytest
from scipy import stats

from blis.errors import InputError
from blis.workload.draw.lengths import LENGTH_LAWS, CountDistribution, Distribution, PercentDistribution
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
    Distribution("pareto_lognormal", {"alpha": 2.5, "xm": 50, "mu": 5.0, "sigma": 0.8, "mix_weight": 0.3}),
    Distribution("pareto_lognormal", {"alpha": 1, "xm": 9, "mu": 4, "sigma": 0, "mix_weight": 0.5, "max": 500}),
    Distribution(
        "pareto_lognormal", {"alpha": 1.5, "xm": 50, "mu": 5.5, "sigma": 1.2, "mix_weight": 0.9, "min": 99, "max": 8192}
    ),
    Distribution("empirical", {"1": 1, "10": 5, "200": 3, "3000": 0.5}),
    Distribution("empirical", {"16": 2}),
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


PARETO = {"alpha": 1.5, "xm": 50, "mu": -0.5, "sigma": 1.2, "mix_weight": 0.3}


@pytest.mark.parametrize(
    ("law", "below"),
    [
        (Distribution("exponential", {"mean": 900}), lambda x: 1 - np.exp(-x / 900)),
        (Distribution("gaussian", {"mean": 5000, "std_dev": 700, "min": 0, "max": 10**6}), stats.norm(5000, 700).cdf),
        (Distribution("log_uniform", {"min": 2000, "max": 9000}), stats.loguniform(2000, 9000).cdf),
        (Distribution("pareto_lognormal", PARETO | {"mix_weight": 1, "xm": 1e4}), stats.pareto(1.5, scale=1e4).cdf),
        (
            Distribution("pareto_lognormal", PARETO | {"mix_weight": 0, "mu": 9}),
            stats.lognorm(1.2, scale=np.exp(9)).cdf,
        ),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_draws_follow_their_law(law, below):
    """Kolmogorov-Smirnov at the level 0.001 with a seed of its own; rounding moves a value by half a token at most."""
    draws = law.sample(stream(11, "law"), 5000)
    upper, lower = below(np.sort(draws) + 0.5), below(np.sort(draws) - 0.5)
    steps = np.arange(5001) / 5000
    distance = max(np.max(steps[1:] - upper), np.max(lower - steps[:-1]))
    assert distance < stats.kstwo.ppf(0.999, 5000)


def test_empirical_draws_have_the_shares_of_the_bins():
    """BC-4: chi-square at the level 0.001; weights need not sum to 1, and the mean is that of the histogram."""
    weights = {"10": 3.0, "20": 3.0, "500": 1.0, "70": 2.0, "5": 0.0}
    law = Distribution("empirical", weights)
    draws = law.sample(stream(12, "law"), 9000)
    found = [int((draws == int(tokens)).sum()) for tokens in weights]
    assert found[-1] == 0 and sum(found) == 9000
    assert stats.chisquare(found[:-1], [3000, 3000, 1000, 2000]).pvalue > 0.001
    assert law.mean_tokens == pytest.approx((30 + 60 + 500 + 140) / 9)
    assert draws.mean() == pytest.approx(law.mean_tokens, rel=0.05)


def test_other_mixtures_have_other_means():
    means = [
        Distribution("pareto_lognormal", PARETO | {"mix_weight": weight}).mean_tokens for weight in (0.1, 0.5, 0.9)
    ]
    assert means == sorted(means) and means[0] < means[2] / 2


def test_a_count_may_be_nothing_and_a_share_is_not_rounded():
    nothing = CountDistribution("constant", {"value": 0})
    assert nothing.sample(stream(1, "x"), 3).tolist() == [0, 0, 0] and nothing.mean_tokens == 0
    assert CountDistribution("empirical", {"0": 1}).sample(stream(1, "x"), 2).tolist() == [0, 0]
    never = PercentDistribution("gaussian", {"mean": 0, "std_dev": 0, "min": 0, "max": 0})
    assert never.shares(stream(1, "x"), 2).tolist() == [0, 0]
    shares = PercentDistribution("gaussian", {"mean": 50, "std_dev": 40, "min": 0, "max": 100}).shares(
        stream(1, "x"), 999
    )
    assert (shares.min(), shares.max()) == (0, 1)
    assert len(set(shares.tolist())) > 700


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
        ("pareto_lognormal", PARETO | {"mix_weight": 1.5}, r"params.mix_weight must be in \[0, 1\]"),
        ("pareto_lognormal", PARETO | {"alpha": 0}, "params.alpha must be > 0"),
        ("pareto_lognormal", PARETO | {"sigma": -1}, "params.sigma must be"),
        ("empirical", {}, "must sum to more than 0"),
        ("empirical", {"10": 0.0}, "must sum to more than 0"),
        ("empirical", {"10": -0.1, "20": 1.0}, "params.10 must be >= 0"),
        ("empirical", {"10.7": 1.0}, "whole numbers, got '10.7'"),
        ("empirical", {"20abc": 1.0}, "whole numbers, got '20abc'"),
        ("empirical", {"10": 1.0, "010": 1.0}, "a token count is given twice"),
        ("empirical", {"2000000000": 1.0}, "the key 2000000000 must be in"),
    ],
)
def test_bad_parameters_are_named(type_, params, problem):
    with pytest.raises(InputError, match=problem):
        Distribution(type_, params)
