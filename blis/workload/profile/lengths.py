"""How long prompts and outputs are, and which go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.workload.draw.coupling import UNEVEN, how_often
from blis.workload.draw.lengths import Distribution
from blis.workload.profile.bins import LEAST, Indices, binned, equal_part, parts

_MOST_PARTS = 8  # of prompts, and of outputs
_A_CELL = 4 * LEAST  # requests of a cell, on average


class Lengths(NamedTuple):
    """What a sender says of its lengths."""

    inputs: Distribution
    first_inputs: Distribution | None  # of rows that open a conversation; None: as all others
    outputs: Distribution
    coupling: tuple[tuple[float, ...], ...] | None  # None: too few requests to say


def fit_lengths(own_tokens: NDArray[np.int64], output_tokens: NDArray[np.int64], opens: NDArray[np.bool_]) -> Lengths:
    """From [n] own tokens of prompts, tokens of outputs, and whether a row opens its conversation.

    Prompts of later rounds have a distribution of their own if there are enough of them.
    """
    kinds = [np.flatnonzero(opens), np.flatnonzero(~opens)]
    if len(kinds[1]) < LEAST:
        kinds = [np.arange(len(opens))]
    first, later = (Distribution("empirical", binned(own_tokens[rows])) for rows in (kinds[0], kinds[-1]))
    outputs = Distribution("empirical", binned(np.maximum(output_tokens, 1)))
    count = parts(len(own_tokens), _MOST_PARTS**2, _A_CELL)
    tried = (_coupling(own_tokens, output_tokens, kinds, most) for most in range(int(count**0.5), 1, -1))
    return Lengths(later, first if len(kinds) > 1 else None, outputs, next(filter(_is_even, tried), None))


def _is_even(coupling: tuple[tuple[float, ...], ...]) -> bool:
    """Whether outputs keep their lengths, without the cells of a few."""
    return all(map(sum, coupling)) and float(np.abs(how_often(coupling) - 1).max()) <= UNEVEN


def _coupling(
    inputs: NDArray[np.int64], outputs: NDArray[np.int64], kinds: Sequence[Indices], count: int
) -> tuple[tuple[float, ...], ...]:
    """How many requests each part of the prompts has in each part of the outputs; cells of a few have none.

    kinds: the rows of which the parts are, each with all its lengths.
    """
    part = np.empty(len(inputs), np.int64)
    for rows in kinds:
        part[rows] = equal_part(inputs[rows], count)
    cell = part * count + equal_part(outputs, count)
    requests = np.bincount(cell, minlength=count**2).reshape(count, count).astype(np.float64)
    requests[requests < LEAST] = 0
    return tuple(map(tuple, requests.tolist()))
