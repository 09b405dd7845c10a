"""Where something begins to hold: the first place in the mean, and at the ends of its interval."""

import math

import pytest

from blis.comparison.statistics import paired_t_interval
from blis.sizing.boundary import boundary


def rising(edges):
    """Margins on tables that each hold from a place of their own on; and the places that were looked at."""
    asked = []

    def margins(place):
        asked.append(place)
        return [place - edge for edge in edges]

    return margins, asked


@pytest.mark.parametrize("edge", [0, 1, 7, 8, 9])
def test_equal_tables_hold_from_one_place_on(edge):
    margins, _ = rising([edge, edge, edge])
    assert boundary(margins, 10) == (edge, edge, edge)


def test_the_interval_is_that_of_the_mean_margin():
    edges = [3, 5, 8, 9, 12]
    margins, _ = rising(edges)
    low, high = paired_t_interval(edges)
    assert boundary(margins, 40) == (math.ceil(sum(edges) / 5), math.ceil(low), math.ceil(high))


def test_what_never_holds_has_no_place():
    margins, _ = rising([10, 10])
    assert boundary(margins, 10) == (None, None, None)


def test_it_may_hold_in_the_mean_and_never_for_sure():
    margins, _ = rising([0, 18])
    assert boundary(margins, 12) == (9, 0, None)


def test_one_table_has_no_interval():
    margins, _ = rising([6])
    assert boundary(margins, 10) == (6, 6, 6)


def test_few_places_are_looked_at_and_none_twice():
    margins, asked = rising([371, 380, 362])
    boundary(margins, 1000)
    assert len(asked) == len(set(asked)) <= 3 * 10
