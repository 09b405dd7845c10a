"""Gains in words: the digits say what the interval proves."""

import pytest

from blis.comparison.gain import gain, interval, signed


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.0314, 3, "+0.031"), (-0.2, 1, "-0.2"), (0.0, 3, "0.000"), (-0.0, 2, "0.00"), (-0.0004, 3, "0.000")],
)
def test_what_rounds_to_zero_has_no_sign(value, digits, text):
    assert signed(value, digits) == text


@pytest.mark.parametrize(
    ("mean", "bounds", "digits", "text"),
    [
        (0.05, (0.02, 0.08), 3, "+0.050 [+0.020, +0.080]"),
        (-0.002, (-0.003, -0.001), 2, "-0.002 [-0.003, -0.001]"),
        (-0.0041, (-0.0079, -0.00012), 2, "-0.0041 [-0.0079, -0.0001]"),
        (2e-9, (1e-9, 3e-9), 1, "+0.000000002 [+0.000000001, +0.000000003]"),
        (-0.0001, (-0.0004, 0.0003), 3, "0.000 [0.000, 0.000]"),
        (-0.0001, (-0.2, 0.0), 3, "0.000 [-0.200, 0.000]"),
        (0.0, (0.0, 0.0), 3, "0.000 [0.000, 0.000]"),
        (-0.0001, None, 3, "0.000 none"),
    ],
)
def test_an_interval_that_does_not_hold_zero_does_not_look_as_if_it_did(mean, bounds, digits, text):
    assert " ".join(gain(mean, bounds, digits)) == text
    assert interval(bounds, digits) == gain(1.0, bounds, digits)[1]
