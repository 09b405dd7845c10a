"""The fast engine against the plain one: everything equal, after every step, on scenarios drawn to hurt.

The small ones come first: the first number that fails is the one to look at.
"""

from random import Random

import numpy as np
import pytest

from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.run import resume, simulate
from tests.laws.against_oracle import COLUMNS, compare
from tests.laws.random_cases import random_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(250))
def test_equal_where_everything_collides(number):
    compare(tight_case(number))


@pytest.mark.parametrize("number", range(150))
def test_equal_under_any_control_plane(number):
    compare(random_case(Random(number), max_requests=2 + number // 8))


def test_requests_that_outgrow_the_cache_do_not_evict_each_other_for_ever():
    """Under compat Q10, with the least urgent evicted first: who outgrew came back among others again and again."""
    compare(tight_case(6487))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_equal_on_two_thousand_scenarios_of_either_kind(first):
    for number in range(first, first + 250):
        compare(tight_case(1000 + number))
        compare(random_case(Random(1000 + number)))


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
    )
    assert not resume(state)
    found = collect(*state.results(), case.scenario, case.table, case.compat)
    expected = simulate(case.scenario, case.table, case.compat)
    for name in (*COLUMNS, "steps", "gaps", "instances"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


def test_pausing_after_every_step_changes_nothing():
    case = random_case(Random(7), max_requests=40)
    state = encode(case.scenario, case.table, case.compat)
    while resume(state, steps=1):
        pass
    found = collect(*state.results(), case.scenario, case.table, case.compat)
    expected = simulate(case.scenario, case.table, case.compat)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
