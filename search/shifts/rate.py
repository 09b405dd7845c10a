"""More or fewer requests a second."""

from __future__ import annotations

from functools import partial

from search.problem.problem import Problem

FACTORS = (0.8, 1.2)


def at_rate(problem: Problem, factor: float) -> Problem:
    """The problem with so many times the arrival rate: the same requests, closer together or further apart."""
    return problem.on(problem.traffic.faster(factor))


SHIFTS = {f"rate x{factor:g}": partial(at_rate, factor=factor) for factor in FACTORS}
