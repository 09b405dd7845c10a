"""An instance that fails in the midst of its work and serves again is as good as new."""

from random import Random

import numpy as np
import pytest

from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.run import resume, simulate
from tests.laws.against_oracle import COLUMNS, compare
from tests.laws.random_cases import failing, failing_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(40))
def test_an_instance_that_serves_again_is_as_the_plain_one(number):
    compare(failing_case(Random(number), max_requests=4 + number // 4))


@pytest.mark.parametrize("number", range(40))
def test_the_same_where_caches_are_tight(number):
    compare(failing(Random(number), tight_case(number)))


@pytest.mark.parametrize("number", range(10))
def test_there_is_room_for_the_blocks_of_one_that_serves_again(number):
    """All runs of free blocks are somebody's when it comes back, and there is room for no more of them."""
    case = failing_case(Random(number), max_requests=40)
    state = encode(case.scenario, case.table, case.compat)
    full = state.arrays
    state.arrays = full._replace(runs=full.runs[: len(full.instances)].copy())
    while resume(state):
        pass
    found = collect(*state.results(), case.scenario, case.table, case.compat)
    expected = simulate(case.scenario, case.table, case.compat)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
