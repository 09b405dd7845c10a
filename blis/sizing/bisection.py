"""Where on a scale something begins to hold."""

from __future__ import annotations

from collections.abc import Callable


def first_place(holds: Callable[[int], bool], places: int) -> int | None:
    """The first of so many places, from 0, at which it holds; None if it does not at the last one.

    It takes for granted that what holds at a place holds from there on; otherwise the place is one of several at which
    it begins to. No place is looked at twice, and about log2(places) of them are.
    """
    below, found = -1, places
    while found - below > 1:
        middle = (below + found) // 2
        if holds(middle):
            found = middle
        else:
            below = middle
    return None if found == places else found
