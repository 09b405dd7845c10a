"""`SHIFTS`: every way in which the world may be otherwise, by its name; and the worlds that a problem allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from blis.errors import InputError, check_choice
from search.problem.problem import Problem
from search.shifts import burstiness, classes, coefficients, instances, lengths, rate, signals, skew

#: The problem in another world. Raises InputError, with the reason, if the problem does not allow it.
Shift = Callable[[Problem], Problem]

SHIFTS: Mapping[str, Shift] = {
    **rate.SHIFTS,
    **burstiness.SHIFTS,
    **skew.SHIFTS,
    **classes.SHIFTS,
    **lengths.SHIFTS,
    **signals.SHIFTS,
    **instances.SHIFTS,
    **coefficients.SHIFTS,
}


class Worlds(NamedTuple):
    """By the name of the shift: the problem in each world that there is, and why there are no others."""

    problems: dict[str, Problem]
    left_out: dict[str, str]


def check_shifts(names: Iterable[str]) -> None:
    """Raise InputError for a name that is none, with the nearest, or that is given twice."""
    known: set[str] = set()
    for name in names:
        check_choice("shifts", name, SHIFTS)
        if name in known:
            raise InputError(f"shifts: {name!r} is given twice")
        known.add(name)


def worlds(problem: Problem, names: Iterable[str]) -> Worlds:
    """The worlds of these shifts, in their order. A shift that changes nothing here gives none."""
    problem, found = problem.nominal, Worlds({}, {})
    for name in names:
        try:
            world = SHIFTS[name](problem)
        except InputError as error:
            found.left_out[name] = str(error)
            continue
        if world.mapping() == problem.mapping():
            found.left_out[name] = "it changes nothing here"
        else:
            found.problems[name] = world
    return found
