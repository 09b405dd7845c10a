"""Prompts as hashes of their blocks: how long a block is, and whether the ids can be so."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.workload.read.json_rows import JsonRows

HASHES = "hash_ids"
_LARGEST = 2**20  # tokens of a block


class HashBlocks(NamedTuple):
    """ids: of all blocks, row after row, equal where the file's are. blocks: [n] of each row. tokens: of a block."""

    ids: NDArray[np.int64]
    blocks: NDArray[np.int64]
    tokens: int

    def of_rows(self, order: NDArray[np.int64]) -> HashBlocks:
        """The same of rows in another order."""
        first, blocks = (np.cumsum(self.blocks) - self.blocks)[order], self.blocks[order]
        places = np.arange(blocks.sum()) + np.repeat(first - (np.cumsum(blocks) - blocks), blocks)
        return HashBlocks(self.ids[places], blocks, self.tokens)


def hash_ids(rows: JsonRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ids, row after row, as numbers that are equal where the ids are; and how many each row has, [n]."""
    lists = rows.values(HASHES)
    bad = next((row for row, ids in enumerate(lists) if not isinstance(ids, list)), None)
    flat: list[Any] = [] if bad is not None else list(chain.from_iterable(lists))
    if bad is None and not set(map(type, flat)) <= {int}:
        bad = next(row for row, ids in enumerate(lists) if not set(map(type, ids)) <= {int})
    if bad is not None:
        rows.fail(HASHES, bad, "is not a list of whole numbers")
    return _small(flat), np.fromiter(map(len, lists), np.int64, len(lists))


def started_blocks(
    rows: JsonRows, input_tokens: NDArray[np.int64], usual_tokens: int, given_tokens: int | None
) -> tuple[HashBlocks, tuple[str, ...]]:
    """The ids of rows that have one for each block that their prompt starts, and what to say of the blocks' size.

    The size is the one given, or the format's usual one, or the one power of two by which all counts are right; where
    that is none of them, the line that does not fit is named, and which sizes would.
    """
    ids, blocks = hash_ids(rows)
    low, high = _sizes(input_tokens, blocks)
    tokens = given_tokens or usual_tokens
    if given_tokens is None and not low.max() <= tokens <= high.min():
        tokens = _only_power(int(low.max()), int(high.min())) or tokens
    bad = (tokens < low) | (tokens > high)
    rows.check(HASHES, ~bad, lambda row: _misfit(int(blocks[row]), int(input_tokens[row]), tokens, low, high, row))
    _check_sizes(rows, ids, blocks, tokens, input_tokens)
    said = (f"blocks of {tokens} tokens, by the number of ids",) if tokens not in (given_tokens, usual_tokens) else ()
    return HashBlocks(ids, blocks, tokens), said


def _small(flat: list[int]) -> NDArray[np.int64]:
    """Whole numbers of any size as such of 64 bits."""
    try:
        return np.array(flat, np.int64)
    except OverflowError:
        number = {value: place for place, value in enumerate(dict.fromkeys(flat))}
        return np.array([number[value] for value in flat], np.int64)


def _sizes(inputs: NDArray[np.int64], blocks: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n] the smallest and the largest block of which a prompt starts so many; none if the first is larger."""
    low = -(-inputs // np.maximum(blocks, 1))
    high = np.where(blocks > 1, (inputs - 1) // np.maximum(blocks - 1, 1), _LARGEST)
    return np.where(blocks == 0, _LARGEST, low), np.where(blocks == 0, 0, high)


def _only_power(low: int, high: int) -> int:
    """The power of two in [low, high] if there is just one, else 0."""
    powers = [2**bits for bits in range(_LARGEST.bit_length()) if low <= 2**bits <= high]
    return powers[0] if len(powers) == 1 else 0


def _misfit(ids: int, tokens: int, size: int, low: NDArray[np.int64], high: NDArray[np.int64], row: int) -> str:
    said = f"has {ids} ids, but {tokens} tokens start {-(-tokens // size)} blocks of {size}"
    if low[row] > high[row]:
        return f"{said}, and as many of no other size"
    fitting = f"; as many of {low[row]}" + (f" to {high[row]}" if high[row] > low[row] else "")
    low_of_all, high_of_all = int(low.max()), int(high.min())
    if low_of_all <= high_of_all:
        return f"{said}{fitting}; all rows fit {low_of_all} to {high_of_all}: say block_tokens=N in the workload"
    return f"{said}{fitting}"


def _check_sizes(
    rows: JsonRows, ids: NDArray[np.int64], blocks: NDArray[np.int64], size: int, inputs: NDArray[np.int64]
) -> None:
    """Raise InputError for a block that ends inside a prompt here and is longer elsewhere: two contents, one id."""
    last = np.cumsum(blocks)[blocks > 0] - 1
    tokens = np.full(len(ids), size)
    tokens[last] = (inputs - (blocks - 1) * size)[blocks > 0]
    part = np.flatnonzero(tokens < size)  # only these can differ
    suspects = np.isin(ids, ids[part]).nonzero()[0]
    if not len(suspects):
        return
    order = suspects[np.lexsort((tokens[suspects], ids[suspects]))]
    differs = (np.diff(ids[order]) == 0) & (np.diff(tokens[order]) != 0)
    if differs.any():
        one, other = order[int(np.argmax(differs))], order[int(np.argmax(differs)) + 1]
        row, elsewhere = np.searchsorted(np.cumsum(blocks), (one, other), side="right").tolist()
        name = rows.values(HASHES)[row][one - (np.cumsum(blocks) - blocks)[row]]
        there = f"but for {tokens[other]} in {rows.names[elsewhere]}"
        rows.fail(HASHES, row, f"id {name} stands for {tokens[one]} tokens, {there}: a hash has one content")
