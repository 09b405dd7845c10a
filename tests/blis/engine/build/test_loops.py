"""Who follows whom as arrays."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Compat
from blis.engine.build.loops import check_loops, loops, own_rows
from blis.engine.build.state import encode
from blis.engine.records import NEVER_US
from blis.errors import InputError
from blis.tables.attempts import with_attempts
from tests.blis.engine.plain_times import deployment, requests


def closed(predecessor, think_us):
    arrival_us = np.where(np.array(predecessor) < 0, 5, -1)
    table = requests([5] * len(predecessor))
    columns = {"predecessor": np.array(predecessor, np.int32), "think_us": np.array(think_us, np.int64)}
    return replace(table, arrival_us=arrival_us, cache={}, **columns)


def test_followers_stand_by_whom_they_follow():
    found = loops(closed([-1, 0, 0, 1, -1], [0, 9, 7, 8, 0]), 5)
    of = [found["followers"][loop.first : loop.end].tolist() for loop in found["loops"]]
    assert of == [[1, 2], [3], [], [], []]


def test_the_shortest_thought_behind_an_answer_is_known():
    found = loops(closed([-1, 0, 0, 1, -1], [0, 9, 7, 8, 0]), 5)
    assert found["loops"].soonest_us.tolist() == [7, 8, 0, 0, 0]


def test_whoever_follows_a_request_follows_its_further_attempts():
    found = loops(with_attempts(closed([-1, 0, -1], [0, 9, 0]), 2), 3)
    of = [found["followers"][loop.first : loop.end].tolist() for loop in found["loops"]]
    assert of == [[1], [], [], [1], [], []]
    assert found["loops"].soonest_us.tolist() == [9, 0, 0, 9, 0, 0]
    assert found["releases"].shape == (1, 1 + 3)


def test_a_run_notes_arrivals_in_rows_of_its_own():
    table = closed([-1, 0], [0, 9])
    shared = encode(deployment(), replace(table, predecessor=None, think_us=None), Compat()).arrays.rows
    assert own_rows(shared).arrival_us.tolist() == [5, NEVER_US]
    assert shared.arrival_us.tolist() == [5, -1]


def test_the_original_knows_no_closed_loop():
    with pytest.raises(InputError, match="no closed loops"):
        check_loops(closed([-1, 0], [0, 9]), Compat.original())
    check_loops(requests([0]), Compat.original())
