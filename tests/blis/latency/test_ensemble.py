"""The members of an ensemble."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from blis.config import LatencyModel
from blis.latency.ensemble import member_of
from blis.latency.fitted import Fitted

DRAWS = tuple({"fixed_us": 100.0 + number} for number in range(64))
MODEL = LatencyModel(
    "linear", beta=(), parameters={"fixed_us": 100.0}, ensemble=16, fitted=Fitted("x", 99, {"e2e_mape": 5.0}, DRAWS)
)


def members(model: LatencyModel) -> list[LatencyModel]:
    return [member_of(model, number) for number in range(model.ensemble)]


def test_without_an_ensemble_the_model_is_its_only_member():
    alone = replace(MODEL, ensemble=0)
    assert member_of(alone, 7) is alone


def test_members_are_the_same_again_and_go_round():
    assert members(MODEL) == members(MODEL)
    assert [member_of(MODEL, number) for number in range(16, 32)] == members(MODEL)
    assert all(member.ensemble == 0 for member in members(MODEL))


def test_each_has_draws_of_its_own_from_the_whole_list():
    fixed = [member.parameters["fixed_us"] for member in members(MODEL) if member.parameters]
    assert len({*fixed}) == 16 and min(fixed) < 110 < 150 < max(fixed)


def test_they_are_faster_and_slower_by_the_error():
    """A mean deviation of 5 % of a normal distribution."""
    factors = [member.factor for member in members(replace(MODEL, ensemble=400))]
    assert statistics.median(factors) == pytest.approx(1, abs=0.002)
    assert statistics.fmean(abs(factor - 1) for factor in factors) == pytest.approx(0.05, rel=0.05)
    assert len({*factors}) > 390


def test_a_model_that_is_slower_as_a_whole_has_slower_members():
    plain, slow = members(MODEL), members(replace(MODEL, factor=2.0))
    assert [member.factor for member in slow] == pytest.approx([2 * member.factor for member in plain])


def test_without_an_error_only_the_draws_differ():
    sure = replace(MODEL, fitted=Fitted("x", 99, {"e2e_mape": 0.0}, DRAWS))
    assert [member.factor for member in members(sure)] == pytest.approx([1.0] * 16, abs=1e-6)
    no_draws = replace(MODEL, fitted=Fitted("x", 99, {"e2e_mape": 5.0}))
    assert {member.parameters["fixed_us"] for member in members(no_draws) if member.parameters} == {100.0}
