from dataclasses import replace

import numpy as np
import pytest

from blis.tables.requests import ContentTree
from tests.blis.handmade import make_table


def with_uniform(n: int = 5000):
    return replace(make_table(n), uniform=np.random.default_rng(1).random(n))


def test_the_middle_counts_unless_a_table_says_otherwise():
    assert make_table(10).scored_rows == slice(1, 9)
    assert make_table(25).scored_rows == slice(2, 22)
    assert replace(make_table(10), scored=(3, 5)).scored_rows == slice(3, 5)


def test_draws_are_uniform_the_same_every_time_and_independent_by_purpose():
    table = with_uniform()
    one, other = table.draws("length"), table.draws("choice")
    np.testing.assert_array_equal(one, with_uniform().draws("length"))
    assert one.min() >= 0 and one.max() < 1
    np.testing.assert_allclose(np.histogram(one, 10, (0, 1))[0] / len(one), 0.1, atol=0.015)
    for first, second in ((one, other), (one, table.uniform), (one[1:], one[:-1])):
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.04


def test_rows_with_equal_numbers_draw_apart():
    draws = replace(make_table(500), uniform=np.full(500, 0.25)).draws("length")
    assert len(np.unique(draws)) == 500


def test_rows_have_names():
    assert make_table(3).request_id(2) == "request_2"
    assert replace(make_table(2), request_ids=("a", "b")).request_id(1) == "b"


@pytest.mark.parametrize(("shared", "count"), [([], 0), ([-1, -1], 0), ([-1, 0, 1], 2)])
def test_shared_nodes_are_counted(shared, count):
    nothing = np.zeros(0, np.int64)
    assert ContentTree(nothing, nothing, nothing, np.array(shared, np.int32)).n_shared == count


def test_what_is_known_of_arrivals_before_a_run_is_when_all_come_at_the_soonest():
    table = replace(
        make_table(5),
        arrival_us=np.array([10, -1, -1, 20, -1]),
        predecessor=np.array([-1, 0, 1, -1, 3], np.int32),
        think_us=np.array([0, 100, 200, 0, 50]),
        cache={},
    )
    assert table.soonest_us.tolist() == [10, 110, 310, 20, 70]
    assert table.opened_us.tolist() == [10, 10, 10, 20, 20]
    assert table.span_us == 300
    assert table.offered_per_s == pytest.approx(4 / 300e-6)
    open_loop = make_table(5)
    assert open_loop.soonest_us is open_loop.arrival_us
