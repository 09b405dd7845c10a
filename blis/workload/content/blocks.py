"""Prompts that are said by hashes of their blocks: the tree of `intern_sequences`, but vectorised."""

from __future__ import annotations

from itertools import count

import numpy as np
from numpy.typing import NDArray

from blis.workload.content.tree import InternedContent, content_of_paths


def intern_blocks(
    block: NDArray[np.int64],
    blocks: NDArray[np.int64],
    block_tokens: int,
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
) -> InternedContent:
    """Intern requests that share as many blocks as their leading ids agree.

    block: ids of all blocks, row after row. blocks: [n] how many of them each row has. block_tokens: their size; a
    prompt may end inside its last one. A block must have the same size wherever its id stands. What follows the
    blocks, and every output, is the request's own.
    """
    n, total = len(blocks), input_tokens + output_tokens
    row = np.repeat(np.arange(n), blocks)
    place = np.arange(len(block)) - np.repeat(np.cumsum(blocks) - blocks, blocks)
    beginning, rows_with = _beginnings(block, place)
    goes_on = np.append(place[1:] > 0, False)[: len(block)]
    # A node ends where not all that share it go on together.
    node = np.flatnonzero((rows_with > 1) & ~(goes_on & (np.append(rows_with[1:], 0)[: len(block)] == rows_with)))
    row = row[node]
    end = np.minimum((place[node] + 1) * block_tokens, input_tokens[row])
    shared_end = np.zeros(n, np.int64)
    shared_end[row] = end  # the last of a row stays
    own = np.flatnonzero(total > shared_end)
    # Each row's shared nodes, then its own one.
    order = np.argsort(np.concatenate((row, own)), kind="stable")
    label = np.concatenate((beginning[node], len(block) + own))[order]
    path_end = np.concatenate((end, total[own]))[order]
    nodes = np.bincount(row, minlength=n) + (total > shared_end)
    _, first, label_number = np.unique(label, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    offset = np.concatenate(([0], np.cumsum(nodes)))
    return content_of_paths(offset, number[label_number], path_end, input_tokens, output_tokens)


def _beginnings(block: NDArray[np.int64], place: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first block that closes the same beginning as each block does, and how many rows have it, [blocks] each.

    Beginnings are told apart by a hash of all blocks so far, which is proved to be right: equal ones must have equal
    last blocks behind equal beginnings.
    """
    for salt in count():
        each = _mixed(block.view(np.uint64) + _mixed(place.view(np.uint64) + np.uint64(salt)))
        so_far = np.cumsum(each)
        so_far -= (so_far - each)[place == 0][np.cumsum(place == 0) - 1]
        beginning, rows_with = np.arange(len(block)), np.ones(len(block), np.int64)
        joined = _maybe_twice(so_far)
        _, group, rows = np.unique(so_far[joined], return_inverse=True, return_counts=True)
        first = np.empty(len(rows), np.int64)
        first[group[::-1]] = joined[::-1]
        beginning[joined], rows_with[joined] = first[group], rows[group]
        before = np.where(place > 0, np.roll(beginning, 1), -1)
        if np.array_equal(block[beginning], block) and np.array_equal(before[beginning], before):
            return beginning, rows_with
    raise AssertionError  # never reached


def _maybe_twice(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where values stand that may be there twice, so that only these need to be sorted; their bits are random."""
    slot = (values >> np.uint64(64 - max(1, (2 * len(values)).bit_length()))).astype(np.int64)
    return np.flatnonzero((np.bincount(slot, minlength=1) > 1)[slot])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers that have nothing to do with each other, of numbers that may count up."""
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return values ^ (values >> np.uint64(29))
