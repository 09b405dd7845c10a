"""Arrivals that are more or less regular: another coefficient of variation of the gaps between them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from blis.errors import InputError
from blis.workload.draw.arrivals import MAX_CV, MIN_CV, Arrival
from search.problem.problem import Problem
from search.shifts.sources import with_sources

FACTORS = (0.5, 2.0)


def as_bursty(problem: Problem, factor: float) -> Problem:
    """The problem with so many times the coefficient of variation; gaps of poisson become those of gamma."""
    return with_sources(problem, lambda source: {"arrival": _scaled(source.arrival, factor)})


def _scaled(arrival: Arrival, factor: float) -> Arrival:
    """The process with another variation. Raises InputError if it has none that is known."""
    known = {"gamma": "gamma", "weibull": "weibull", "poisson": "gamma"}
    if arrival.process not in known:
        raise InputError(f"gaps of process {arrival.process!r} have no variation that could be changed")
    cv = 1.0 if arrival.cv is None else arrival.cv
    return replace(arrival, process=known[arrival.process], cv=min(max(cv * factor, MIN_CV), MAX_CV))


SHIFTS = {f"burstiness x{factor:g}": partial(as_bursty, factor=factor) for factor in FACTORS}
