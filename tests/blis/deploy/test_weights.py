"""Weights as whole numbers: their ratio is all that counts."""

from random import Random

import pytest

from blis.deploy.weights import LARGEST, integer_ratio


@pytest.mark.parametrize(
    ("weights", "whole"),
    [
        ([3.0, 2.0, 2.0], [3, 2, 2]),
        ([6, 4], [3, 2]),
        ([0.37, 0.05], [37, 5]),
        ([1.0], [1]),
        ([0.1, 0.2, 0.3], [1, 2, 3]),
        ([1e-3, 2.5], [1, 2500]),
    ],
)
def test_the_smallest_whole_numbers(weights, whole):
    assert integer_ratio(weights) == (whole, True)


def test_any_scale_gives_the_same():
    rng = Random(3)
    for _ in range(300):
        weights = [round(rng.uniform(0.01, 5), 2) or 0.01 for _ in range(rng.randint(1, 6))]
        whole, exact = integer_ratio(weights)
        assert exact
        for scale in (2, 10, 0.5):
            assert integer_ratio([float(f"{weight * scale:.12g}") for weight in weights]) == (whole, True)
        shares = [weight / sum(weights) for weight in weights]
        assert [one / sum(whole) for one in whole] == pytest.approx(shares, rel=1e-12)


def test_long_ratios_are_rounded_and_say_so():
    whole, exact = integer_ratio([1.0, 1 / 3, 1e-9])
    assert not exact
    assert whole == [LARGEST, 333_333, 1]
