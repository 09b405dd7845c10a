"""The fast engine against the plain one: everything equal, after every step, on scenarios drawn to hurt."""

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.run import resume, simulate
from tests.laws.against_oracle import COLUMNS, compare
from tests.laws.random_cases import random_case


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_equal_on_random_scenarios(rng):
    compare(random_case(rng))


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(0, 2000, 250))
def test_equal_on_two_thousand_scenarios(first_seed):
    for seed in range(first_seed, first_seed + 250):
        compare(random_case(Random(seed)))


@pytest.mark.parametrize("seed", range(40))
def test_capacities_that_start_small_change_nothing(seed):
    case = random_case(Random(seed), max_requests=40)
    state = encode(case.scenario, case.table, case.compat)
    full = state.arrays
    state.arrays = full._replace(
        runs=full.runs[: len(full.instances) + 4].copy(),
        log=full.log[:4].copy(),
        gaps=full.gaps[:4].copy(),
        transit=full.transit[:, :4].copy(),
        waiting=full.waiting[:, :4].copy(),
    )
    assert not resume(state)
    found = collect(state.arrays, case.scenario, case.compat)
    expected = simulate(case.scenario, case.table, case.compat)
    for name in (*COLUMNS, "steps", "gaps", "instances"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_pausing_after_every_step_changes_nothing():
    case = random_case(Random(7), max_requests=40)
    state = encode(case.scenario, case.table, case.compat)
    while resume(state, steps=1):
        pass
    found = collect(state.arrays, case.scenario, case.compat)
    expected = simulate(case.scenario, case.table, case.compat)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
