"""Where on a scale something begins to hold, by bisection over tables that are the same at every place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from blis.comparison.statistics import paired_t_interval


class Boundary(NamedTuple):
    """Places on a scale, from 0; None: nowhere on it.

    place: from where on it holds in the mean over tables. low, high: from where on the upper and the lower end of the
    95 % interval of that mean hold; the same as `place` where there is one table only.
    """

    place: int | None
    low: int | None
    high: int | None


class _Margin(NamedTuple):
    """What is to spare, in the mean over tables and at the ends of its interval."""

    low: float
    mean: float
    high: float


def boundary(margins: Callable[[int], Sequence[float]], places: int) -> Boundary:
    """The boundary on a scale of so many places.

    margins: place -> how much is to spare on every table, which grows with the place and holds from 0 on. Where it
    does not quite grow, the boundary is one of several. Places that were looked at are not looked at again.
    """
    known: dict[int, _Margin] = {}

    def at(place: int) -> _Margin:
        if place not in known:
            known[place] = _margin(margins(place))
        return known[place]

    return Boundary(
        _first(lambda place: at(place).mean >= 0, places),
        _first(lambda place: at(place).high >= 0, places),
        _first(lambda place: at(place).low >= 0, places),
    )


def _margin(by_table: Sequence[float]) -> _Margin:
    mean = sum(by_table) / len(by_table)
    if len(by_table) == 1:
        return _Margin(mean, mean, mean)
    low, high = paired_t_interval(by_table)
    return _Margin(low, mean, high)


def _first(holds: Callable[[int], bool], places: int) -> int | None:
    """The first place at which it holds, if it holds from there on; None if it does not at the last one."""
    below, found = -1, places
    while found - below > 1:
        middle = (below + found) // 2
        if holds(middle):
            found = middle
        else:
            below = middle
    return None if found == places else found
