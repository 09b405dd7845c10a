"""Nodes of the content tree for many requests at once: what prefix groups share, and what conversations add.

A chain is a row of nodes, each the child of the one before; a request's path is the first links of its group's chain
and then its own nodes. Positions are those in the request's sequence, prompt and output.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Chains(NamedTuple):
    """The shared nodes of all prefix groups, ordered by (group, position), and which of them each request walks."""

    start: NDArray[np.int64]  # [nodes] where the node starts, 0 at the head of a chain
    end: NDArray[np.int64]  # [nodes] where it ends
    first_row: NDArray[np.int64]  # [nodes] first request that touches it
    head: NDArray[np.int32]  # [n] node that the request's walk starts with, 0 if it has none
    links: NDArray[np.int32]  # [n] nodes that it walks through
    reach: NDArray[np.int64]  # [n] where the last of them ends, 0 if it has none

    def also_walked_by(self, row: NDArray[np.int64]) -> Chains:
        """The same nodes, each request walking as the one of the given number does."""
        return self._replace(head=self.head[row], links=self.links[row], reach=self.reach[row])


class Own(NamedTuple):
    """The nodes after the chains, in the order of the requests that come to them first, and who walks through which."""

    row: NDArray[np.int64]  # [nodes] first request that touches the node
    start: NDArray[np.int64]  # [nodes]
    end: NDArray[np.int64]  # [nodes]
    walk: NDArray[np.int64] | slice  # [entries] nodes of the first request, of the second, …
    length: NDArray[np.integer]  # [n] how many of them are each request's
    later: NDArray[np.int64]  # the nodes that are not the first of their conversation,
    before: NDArray[np.int64]  # and for each the one before it
    shared: NDArray[np.int64]  # the nodes that later requests go through, too


def group_chains(group: NDArray[np.integer], prefix: NDArray[np.int64]) -> Chains:
    """Cut each group's stream at every prefix length that occurs in it; keep what two requests share.

    group: [n], -1 without one; prefix: [n] tokens.
    """
    n = len(group)
    member = np.flatnonzero((group >= 0) & (prefix > 0))
    stride = int(prefix.max(initial=0)) + 1
    level, first_index, level_of_row = _distinct(group[member].astype(np.int64) * stride + prefix[member])
    level_group, end = level // stride, level % stride
    starts_group = np.diff(level_group, prepend=-1) != 0
    group_starts, group_of_level = np.flatnonzero(starts_group), np.cumsum(starts_group) - 1
    # The longest prefix of a group is a node only if a second request has it; else it is the request's own.
    is_longest = np.append(starts_group[1:], True)[: len(level)]
    shared = ~is_longest | (np.bincount(level_of_row, minlength=len(level)) > 1)
    number = np.cumsum(shared) - 1
    # A node is touched by its own level's rows and by all longer ones of the group.
    first_row = _minimum_from_here_on(member[first_index], group_of_level)
    head = (number - shared + 1)[group_starts[group_of_level]].astype(np.int32)
    links = (number - head + 1).astype(np.int32)
    head[links == 0] = 0
    ends = end[shared]
    is_head = np.isin(np.arange(len(ends)), head)
    starts = np.where(is_head, 0, np.concatenate(([0], ends[:-1]))[: len(ends)])
    reach = np.where(links > 0, np.append(ends, 0)[head + links - 1], 0)
    # Requests without a group are at a level of their own, the last, at which there is nothing to walk through.
    level_of_all = np.full(n, len(level))
    level_of_all[member] = level_of_row
    of_row = (np.append(column, column.dtype.type(0)).take(level_of_all) for column in (head, links, reach))
    return Chains(starts, ends, first_row[shared], *of_row)


class Talks(NamedTuple):
    """Who continues whom: [n] columns."""

    order: NDArray[np.int64]  # the requests, conversation by conversation
    starts: NDArray[np.bool_]  # in that order: whether the request is the first of its conversation
    opens: NDArray[np.bool_]  # whether the request is the first of its conversation
    goes_on: NDArray[np.bool_]  # whether another one continues it
    opener: NDArray[np.int64]  # the first request of its conversation

    @classmethod
    def of(cls, conversation: NDArray[np.int64]) -> Talks:
        """From the number of each request's conversation; -1 is one of its own."""
        n = len(conversation)
        talk = np.where(conversation >= 0, conversation, conversation.max(initial=-1) + 1 + np.arange(n))
        order = np.argsort(talk, kind="stable")
        starts = np.diff(talk[order], prepend=-1) != 0
        opens, goes_on, opener = np.empty(n, bool), np.empty(n, bool), np.empty(n, np.int64)
        opens[order], goes_on[order] = starts, ~np.append(starts[1:], True)[:n]
        opener[order] = order[_last_true(starts)]
        return cls(order, starts, opens, goes_on, opener)


def own_nodes(reach: NDArray[np.int64], total: NDArray[np.int64]) -> Own:
    """One node a request whose sequence goes on after its group's chain: [n] ends of the chains and sequences."""
    goes_on, none = total > reach, np.zeros(0, np.int64)
    row = np.flatnonzero(goes_on)
    if len(row) < len(total):
        reach, total = reach[row], total[row]
    return Own(row, reach, total, slice(None), goes_on.view(np.int8), none, none, none)


def conversation_nodes(
    talks: Talks, reach: NDArray[np.int64], inputs: NDArray[np.int64], total: NDArray[np.int64]
) -> Own:
    """The nodes of conversations, in which every request adds what comes after the sequence before it.

    That is its new prompt and its output: two nodes where a later one goes on from there, else one.
    """
    order, starts = talks.order, talks.starts
    follow = np.flatnonzero(~starts)
    begin = reach.copy()
    begin[order[follow]] = total[order[follow - 1]]
    halved = talks.goes_on & (begin < inputs) & (inputs < total)  # the prompt ends inside what later ones share
    adds = (total > begin).astype(np.int64) + halved
    row = np.repeat(np.arange(len(total)), adds)
    second = ranges(np.zeros(len(total), np.int64), adds) == 1
    start = np.where(second, inputs[row], begin[row])
    end = np.where(halved[row] & ~second, inputs[row], total[row])

    along = ranges((np.cumsum(adds) - adds)[order], adds[order])  # all nodes, conversation by conversation
    depth = np.cumsum(adds[order])
    first, length = np.empty_like(adds), np.empty_like(adds)
    first[order] = (depth - adds[order])[_last_true(starts)]
    length[order] = depth - first[order]
    later = np.flatnonzero(np.diff(talks.opener[row[along]]) == 0) + 1
    shared = np.flatnonzero(talks.goes_on[row])
    return Own(row, start, end, along[ranges(first, length)], length, along[later], along[later - 1], shared)


def _last_true(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[n] the last place up to here that holds."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), 0))


def ranges(first: NDArray[np.integer], length: NDArray[np.integer]) -> NDArray[np.int64]:
    """first[0], first[0] + 1, … (length[0] of them), first[1], …: whole numbers of many stretches in one row."""
    if len(length) and length.min() == length.max() == 1:
        return first.astype(np.int64, copy=False)
    ends = np.cumsum(length, dtype=np.int64)
    found = np.repeat(first - ends + length, length)
    found += np.arange(len(found))
    return found


def interleave(
    chain_first_row: NDArray[np.int64], own_row: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers for chain nodes and own nodes: by first row that touches them, a row's own nodes after shared ones.

    own_row: sorted.
    """
    order = np.argsort(chain_first_row, kind="stable")
    passed = np.searchsorted(own_row, chain_first_row[order], side="left")  # own nodes before each chain node
    chain_node = np.empty(len(order), np.int64)
    chain_node[order] = np.arange(len(order)) + passed
    own_node = np.repeat(np.arange(len(order) + 1), np.diff(passed, prepend=0, append=len(own_row)))
    own_node += np.arange(len(own_row))
    return chain_node, own_node


def _distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.integer], NDArray[np.integer]]:
    """The different keys in order, where each occurs first, and [n] the place of every key among them."""
    span = int(keys.max(initial=-1)) + 1
    if span > 4 * len(keys):
        return np.unique(keys, return_index=True, return_inverse=True)
    present = np.zeros(span, bool)  # sorting takes several times as long as a table, where that is small
    present[keys] = True
    known = np.flatnonzero(present)
    place = (np.cumsum(present) - 1).take(keys)
    first = np.empty(len(known), np.int64)
    first[place[::-1]] = np.arange(len(keys))[::-1]  # of several, the last one written stays
    return known, first, place


def _minimum_from_here_on(values: NDArray[np.int64], segment: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place, the least value from there to the end of its segment (segments are numbered 0, 1, …)."""
    # Later segments get larger offsets, so that a running minimum from the back starts afresh in each.
    span = int(values.max(initial=0)) + 1
    offset = segment * span
    return np.minimum.accumulate((values + offset)[::-1])[::-1] - offset
