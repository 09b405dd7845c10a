"""Prompts that begin as an earlier one did: how much of them, and how long ago that one came."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_integer, check_number
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.streams import stream


@dataclass(frozen=True)
class ReuseCell:
    """So many of the prompts up to a length repeat so much of an earlier prompt.

    up_to_tokens: the longest prompts that it is for; cells of one length share the prompts between that of the cells
    before and theirs, by weight; the last ones have all longer prompts, too. percent: of the prompt. requests_ago: how
    many requests before; of conversations that accumulate, how many of their starts.
    """

    up_to_tokens: int
    percent: float
    requests_ago: int
    weight: float

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_integer("up_to_tokens", self.up_to_tokens, 1, MAX_TOKENS)
        check_number("percent", self.percent, 0, 100)
        check_integer("requests_ago", self.requests_ago, 1, 10**8)
        check_number("weight", self.weight, 0, above=0)


def check_reuse(cells: tuple[ReuseCell, ...]) -> None:
    """Check that there are cells, in the order of their lengths. Raises InputError naming the cell."""
    if not cells:
        raise InputError("reuse: at least one cell must be given")
    for i, (before, cell) in enumerate(pairwise(cells), 1):
        if cell.up_to_tokens < before.up_to_tokens:
            raise InputError(
                f"reuse[{i}].up_to_tokens: {cell.up_to_tokens} stands behind"
                f" {before.up_to_tokens}; shorter ones go first"
            )


def draw_reuse(
    cells: tuple[ReuseCell, ...], seed: int, input_tokens: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """([n] tokens of each prompt that an earlier one began with, [n] how many requests before that one came)."""
    lengths = np.array([cell.up_to_tokens for cell in cells])
    upto = np.cumsum([cell.weight for cell in cells])
    ends = np.unique(lengths, return_index=True)[1]
    first, last = ends, np.append(ends[1:], len(cells)) - 1  # cells of each length
    part = np.minimum(np.searchsorted(lengths[first], input_tokens), len(first) - 1)
    low, high = (upto - [cell.weight for cell in cells])[first[part]], upto[last[part]]
    wanted = low + stream(seed, "workload/reuse").random(len(input_tokens)) * (high - low)
    cell = np.clip(np.searchsorted(upto, wanted, side="right"), first[part], last[part])
    percent = np.array([one.percent for one in cells])[cell]
    ago = np.array([one.requests_ago for one in cells])[cell]
    return np.minimum((input_tokens * percent / 100).astype(np.int64), input_tokens), ago
