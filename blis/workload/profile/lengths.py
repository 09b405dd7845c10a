"""How long prompts and outputs are, and which go together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.workload.draw.coupling import UNEVEN, how_often
from blis.workload.draw.lengths import Distribution
from blis.workload.profile.bins import LEAST, binned, equal_part, parts

_MOST_PARTS = 8  # of prompts, and of outputs
_A_CELL = 4 * LEAST  # requests of a cell, on average


class Lengths(NamedTuple):
    """What a sender says of its lengths."""

    inputs: Distribution
    outputs: Distribution
    coupling: tuple[tuple[float, ...], ...] | None  # None: too few requests to say


def fit_lengths(own_tokens: NDArray[np.int64], output_tokens: NDArray[np.int64]) -> Lengths:
    """From [n] own tokens of prompts and tokens of outputs."""
    inputs, outputs = (
        Distribution("empirical", binned(own_tokens)),
        Distribution("empirical", binned(np.maximum(output_tokens, 1))),
    )
    count = parts(len(own_tokens), _MOST_PARTS**2, _A_CELL)
    tried = (_coupling(own_tokens, output_tokens, most) for most in range(int(count**0.5), 1, -1))
    return Lengths(inputs, outputs, next(filter(_is_even, tried), None))


def _is_even(coupling: tuple[tuple[float, ...], ...]) -> bool:
    """Whether outputs keep their lengths, without the cells of a few."""
    return all(map(sum, coupling)) and float(np.abs(how_often(coupling) - 1).max()) <= UNEVEN


def _coupling(inputs: NDArray[np.int64], outputs: NDArray[np.int64], count: int) -> tuple[tuple[float, ...], ...]:
    """How many requests each part of the prompts has in each part of the outputs; cells of a few have none."""
    cell = equal_part(inputs, count) * count + equal_part(outputs, count)
    requests = np.bincount(cell, minlength=count**2).reshape(count, count).astype(np.float64)
    requests[requests < LEAST] = 0
    return tuple(map(tuple, requests.tolist()))
