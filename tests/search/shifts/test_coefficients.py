"""Step times: members of an ensemble lie on both sides of the model, as far as it may be off."""

import pytest

from search.shifts.coefficients import SHIFTS
from tests.search.shifts.problems import of_population


def factors(problem):
    """How much slower the steps of each member are, on the tables 0 and 1."""
    worlds = [shift(problem) for shift in SHIFTS.values()]
    return [[world.scenario_on(world.against, key).instance.latency_model.factor for key in (0, 1)] for world in worlds]


def test_members_are_spread_around_the_model(tmp_path):
    """Four strata of a normal distribution of 12.5 % for an expected error of 10 %."""
    found = sorted(first for first, _ in factors(of_population(tmp_path)))
    assert found == pytest.approx([0.866, 0.961, 1.041, 1.155], abs=0.002)


def test_a_member_is_the_same_on_every_table_whatever_the_model_had_before(tmp_path):
    found = factors(of_population(tmp_path, "cluster.instance.latency_model.ensemble=16"))
    assert all(first == second for first, second in found)
    assert found == factors(of_population(tmp_path))
