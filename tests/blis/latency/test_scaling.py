"""A latency model that is slower as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blis.config import Compat
from blis.latency import LATENCY
from blis.latency.scaling import scaled
from blis.latency.step import Step
from tests.blis.latency.test_kinds import EXAMPLES

STEPS = (
    Step(decodes=1, decode_context=5),
    Step(decodes=200, decode_context=90_000),
    Step(1, 2000, 2_000_000, 0, 7, 7000),
    Step(3, 300, 90_000, 900),
)


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("factor", [0.5, 1.25])
def test_every_step_of_every_kind_takes_so_much_longer(kind: str, factor: float):
    model = EXAMPLES[kind]
    for step in STEPS:
        before, after = (LATENCY.step_us(each, step, Compat()) for each in (model, replace(model, factor=factor)))
        assert after == pytest.approx(factor * before, abs=2)  # rounding


def test_what_is_no_time_and_no_rate_stays():
    given = {"fixed_us": 10.0, "context_us_token": 2.0, "flops_s": 8.0, "ramp_tokens": 32.0}
    assert scaled(given, 2.0) == {"fixed_us": 20.0, "context_us_token": 4.0, "flops_s": 4.0, "ramp_tokens": 32.0}
