"""Longer outputs, or longer prompts behind the same prefixes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from blis.errors import InputError
from blis.workload.draw.lengths import Distribution
from search.problem.problem import Problem
from search.shifts.sources import with_sources

FACTOR = 1.5

#: Parameters of length distributions that are numbers of tokens.
_TOKENS = ("value", "mean", "std_dev", "min", "max")


def with_longer(problem: Problem, key: str) -> Problem:
    """The problem with FACTOR times as many tokens in what the distribution of this key draws."""
    return with_sources(problem, lambda source: {key: _scaled(getattr(source, key))})


def _scaled(lengths: Distribution) -> Distribution:
    """The distribution of so many times the tokens. Raises InputError if it has parameters of other kinds."""
    for name in lengths.params:
        if name not in _TOKENS:
            raise InputError(f"{name} of length distribution {lengths.type!r} may not be a number of tokens")
    return replace(lengths, params={name: round(value * FACTOR, 9) for name, value in lengths.params.items()})


SHIFTS = {
    f"outputs x{FACTOR:g}": partial(with_longer, key="output_distribution"),
    f"prompts x{FACTOR:g}": partial(with_longer, key="input_distribution"),
}
