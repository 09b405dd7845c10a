"""Where something begins to hold."""

import pytest

from blis.sizing.bisection import first_place


@pytest.mark.parametrize("places", [1, 2, 9, 10])
def test_the_first_place_wherever_it_is(places):
    for first in range(places):
        assert first_place(lambda place, first=first: place >= first, places) == first


def test_what_never_holds_has_no_place():
    assert first_place(lambda place: False, 10) is None


def test_few_places_are_looked_at_and_none_twice():
    asked = []
    assert first_place(lambda place: asked.append(place) or place >= 371, 1000) == 371
    assert len(asked) == len(set(asked)) <= 10


def test_where_it_holds_here_and_there_it_begins_to_at_the_place_that_is_found():
    holds = [False, True, False, False, True, False, True, True]
    found = first_place(holds.__getitem__, len(holds))
    assert holds[found] and not holds[found - 1]
