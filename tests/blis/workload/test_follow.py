import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blis.errors import InputError
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.follow import closed_loop, cut_at, openers


def open_table(arrival_us):
    n = len(arrival_us)
    inputs, groups = np.arange(10, 10 + n), np.full(n, -1)
    return assemble(
        intern_prefix_groups(groups, np.zeros(n), inputs, np.ones(n)),
        arrival_us=arrival_us,
        input_tokens=inputs,
        output_tokens=np.ones(n),
    )


@st.composite
def closed_tables(draw):
    """Tables in which everybody may follow somebody before."""
    arrival_us = np.array(sorted(draw(st.lists(st.integers(0, 40), min_size=1, max_size=25))))
    n = len(arrival_us)
    follows = np.array([draw(st.integers(-1, r - 1)) for r in range(n)])
    think_us = np.array(draw(st.lists(st.integers(1, 60), min_size=n, max_size=n)))
    return closed_loop(open_table(arrival_us), arrival_us, follows, think_us)


def by_name(table, column):
    return dict(zip(table.request_ids, np.asarray(column).tolist(), strict=True))


class TestOpeners:
    def test_whom_they_follow_in_the_end_and_how_far_that_is(self):
        opener, depth = openers(np.array([-1, 0, 1, 2, 3, 4, -1, 6]))
        assert opener.tolist() == [0] * 6 + [6] * 2 and depth.tolist() == [0, 1, 2, 3, 4, 5, 0, 1]

    @pytest.mark.parametrize("follows", [[0], [1, 0], [-1, 2, 3, 1]])
    def test_nobody_follows_itself(self, follows):
        with pytest.raises(InputError, match="follows itself"):
            openers(np.array(follows))


class TestCut:
    def test_behind_an_edge_a_conversation_begins_anew_at_the_soonest(self):
        table = closed_loop(open_table([0, 5, 6, 7]), np.array([0, 5, 6, 7]), np.array([-1, 0, 1, -1]), np.full(4, 10))
        assert table.soonest_us.tolist() == [0, 10, 20, 7]
        cut = cut_at(table, (15,))
        assert cut.request_ids == ("request_0", "request_1", "request_3", "request_2")
        assert cut.arrival_us.tolist() == [0, -1, 7, 20]
        assert cut.predecessor.tolist() == [-1, 0, -1, -1]

    def test_what_nobody_follows_any_more_is_an_open_loop(self):
        table = closed_loop(open_table([0, 1]), np.array([0, 1]), np.array([-1, 0]), np.array([0, 50]))
        cut = cut_at(table, (30,))
        assert not cut.closed and cut.arrival_us.tolist() == [0, 50]

    def test_a_table_without_a_loop_stays_as_it_is(self):
        table = open_table([0, 5, 9])
        assert cut_at(table, (3,)) is table

    @given(closed_tables(), st.lists(st.integers(-5, 200), max_size=4).map(sorted))
    def test_all_come_when_they_came_and_stretches_of_time_are_stretches_of_rows(self, table, edges):
        cut = cut_at(table, edges)
        assert by_name(cut, cut.soonest_us) == by_name(table, table.soonest_us)
        assert by_name(cut, cut.input_tokens) == by_name(table, table.input_tokens)
        stretch = np.searchsorted(edges, cut.soonest_us, side="right")
        assert np.all(np.diff(stretch) >= 0)
        if table.closed:
            before = {
                name: table.request_ids[p] if p >= 0 else None for name, p in by_name(table, table.predecessor).items()
            }
            place = dict(zip(cut.request_ids, stretch.tolist(), strict=True))
            left = {} if not cut.closed else by_name(cut, cut.predecessor)
            for name, other in before.items():
                stays = other is not None and place[other] == place[name]
                now = left.get(name, -1)
                assert (cut.request_ids[now] == other) if stays else now == -1
