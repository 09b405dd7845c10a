"""The kind `linear`: what each parameter is a price of."""

from __future__ import annotations

import math

import pytest

from blis.config import Compat, LatencyModel
from blis.errors import InputError
from blis.latency import LATENCY
from blis.latency.step import Step
from blis.scenario import load_scenario

STEP = Step(prefills=2, prefill_tokens=30, prefill_pairs=700, prefill_context=9, decodes=4, decode_context=500)


def us(step: Step, **parameters: float) -> int:
    model = LatencyModel("linear", beta=(), parameters={"fixed_us": 0.0, **parameters})
    return int(LATENCY.step_us(model, step, Compat()))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("fixed_us", 1),
        ("prefill_us_token", 30),
        ("prefill_us_request", 2),
        ("decode_us_request", 4),
        ("context_us_token", 500),
        ("pair_us", 700),
    ],
)
def test_a_parameter_is_the_price_of_one_thing(name: str, count: int):
    assert us(STEP, **{name: 10.0}) == 10 * count


def test_a_step_is_rounded_to_the_nearest_microsecond():
    assert [us(Step(decodes=1), decode_us_request=price) for price in (7.4, 7.5, 7.6)] == [7, 8, 8]


def test_the_ramp_levels_off_after_its_tokens():
    assert us(Step(), ramp_us=1000.0) == 0
    assert us(Step(decodes=8), ramp_us=1000.0, ramp_tokens=8.0) == round(1000 * (1 - math.exp(-1)))
    assert us(Step(prefills=1, prefill_tokens=4, decodes=4), ramp_us=1000.0, ramp_tokens=8.0) == 632
    assert us(Step(decodes=900), ramp_us=1000.0, ramp_tokens=8.0) == 1000


@pytest.mark.parametrize(
    ("latency", "part"),
    [
        ({"parameters": {}}, "'linear' needs the parameter fixed_us"),
        ({"parameters": {"fixed_us": -1}}, "fixed_us of latency model 'linear' must be in"),
        ({"parameters": {"fixed_us": 1, "contxt_us_token": 1}}, r"did you mean 'context_us_token'\?"),
        ({"parameters": {"fixed_us": 1}, "beta": [1, 2, 3]}, "latency_model.beta is not for kind 'linear'"),
    ],
)
def test_what_it_needs_and_no_more(latency: dict, part: str):
    with pytest.raises(InputError, match=part):
        load_scenario({"instance": {"latency_model": {"kind": "linear", **latency}}})
