"""Longer outputs, or longer prompts behind the same prefixes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from blis.errors import InputError
from blis.workload.draw.lengths import LENGTH_LAWS, Distribution, scaled_tokens
from blis.workload.draw.senders import Client, Population
from search.problem.problem import Problem
from search.shifts.sources import with_sources

FACTOR = 1.5
PROMPTS = "input_distribution"

#: Parameters of length distributions that are numbers of tokens, where a law does not say how it is scaled.
_TOKENS = ("value", "mean", "std_dev", "min", "max")


def with_longer(problem: Problem, key: str) -> Problem:
    """The problem with FACTOR times as many tokens in what the distribution of this key draws."""
    return with_sources(problem, lambda source: _longer(source, key))


def _longer(source: Population | Client, key: str) -> dict[str, Any]:
    """The changed field of a source; prompts of parts have their text where others have all of it."""
    if key == PROMPTS and source.multimodal is not None:
        text = source.multimodal.text_distribution
        return {"multimodal": replace(source.multimodal, text_distribution=text and _scaled(text))}
    return {key: _scaled(getattr(source, key))}


def _scaled(lengths: Distribution) -> Distribution:
    """The distribution of so many times the tokens. Raises InputError if it has parameters of other kinds."""
    if (scaled := LENGTH_LAWS[lengths.type].scaled) is not None:
        return replace(lengths, params=scaled(lengths.params, FACTOR))
    for name in lengths.params:
        if name not in _TOKENS:
            raise InputError(f"{name} of length distribution {lengths.type!r} may not be a number of tokens")
    return replace(lengths, params=scaled_tokens(lengths.params, FACTOR))


SHIFTS = {
    f"outputs x{FACTOR:g}": partial(with_longer, key="output_distribution"),
    f"prompts x{FACTOR:g}": partial(with_longer, key=PROMPTS),
}
