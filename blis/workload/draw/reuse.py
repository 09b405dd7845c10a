"""Prompts that begin as an earlier one did: how much of them, and how long ago that one came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, check_integer, check_number, unknown_name
from blis.workload.assemble import MAX_TOKENS
from blis.workload.draw.streams import stream


@dataclass(frozen=True)
class ReuseCell:
    """So many of the prompts up to a length repeat so much of an earlier prompt.

    up_to_tokens: the longest prompts that it is for; cells of one length share the prompts between that of the cells
    before and theirs, by weight; the last ones have all longer prompts, too. percent: of the prompt. requests_ago: how
    many requests before; of conversations that accumulate, how many of their starts. client: whose prompts; left out =
    those of all who have no cells of their own.
    """

    up_to_tokens: int
    percent: float
    requests_ago: int
    weight: float
    client: str | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        check_integer("up_to_tokens", self.up_to_tokens, 1, MAX_TOKENS)
        check_number("percent", self.percent, 0, 100)
        check_integer("requests_ago", self.requests_ago, 1, 10**8)
        check_number("weight", self.weight, 0, above=0)


def check_reuse(cells: tuple[ReuseCell, ...], clients: Sequence[str]) -> None:
    """Check that there are cells, of clients that there are, in the order of their lengths.

    Raises InputError naming the cell.
    """
    if not cells:
        raise InputError("reuse: at least one cell must be given")
    longest: dict[str | None, int] = {}  # by client, up to here
    for i, cell in enumerate(cells):
        if cell.client is not None and cell.client not in clients:
            raise InputError(f"reuse[{i}]: {unknown_name('client', cell.client, clients)}")
        before = longest.get(cell.client, 0)
        if cell.up_to_tokens < before:
            raise InputError(
                f"reuse[{i}].up_to_tokens: {cell.up_to_tokens} stands behind {before}; shorter ones go first"
            )
        longest[cell.client] = cell.up_to_tokens
    if None in longest and longest.keys() >= set(clients):
        raise InputError("reuse: all clients have cells of their own; nobody has those without a client")


def draw_reuse(
    cells: Sequence[ReuseCell],
    seed: int,
    input_tokens: NDArray[np.int64],
    sender: NDArray[np.int32],
    clients: Sequence[str],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """([n] tokens of each prompt that an earlier one began with, [n] how many requests before that one came).

    sender: [n] index into clients.
    """
    depth, ago = np.zeros(len(input_tokens), np.int64), np.ones(len(input_tokens), np.int64)
    chance = stream(seed, "workload/reuse").random(len(input_tokens))
    named = {cell.client for cell in cells}
    cells_of = np.array([clients.index(name) if name in named else -1 for name in clients])[sender]
    for client in sorted(named, key=str):
        rows = np.flatnonzero(cells_of == (-1 if client is None else clients.index(client)))
        own = [cell for cell in cells if cell.client == client]
        depth[rows], ago[rows] = _of_cells(own, chance[rows], input_tokens[rows])
    return depth, ago


def _of_cells(
    cells: Sequence[ReuseCell], chance: NDArray[np.float64], input_tokens: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same of prompts that have these cells, by draws in [0, 1)."""
    lengths = np.array([cell.up_to_tokens for cell in cells])
    upto = np.cumsum([cell.weight for cell in cells])
    ends = np.unique(lengths, return_index=True)[1]
    first, last = ends, np.append(ends[1:], len(cells)) - 1  # cells of each length
    part = np.minimum(np.searchsorted(lengths[first], input_tokens), len(first) - 1)
    low, high = (upto - [cell.weight for cell in cells])[first[part]], upto[last[part]]
    wanted = low + chance * (high - low)
    cell = np.clip(np.searchsorted(upto, wanted, side="right"), first[part], last[part])
    percent = np.array([one.percent for one in cells])[cell]
    ago = np.array([one.requests_ago for one in cells])[cell]
    return np.minimum((input_tokens * percent / 100).astype(np.int64), input_tokens), ago
