"""The one interner: what requests say becomes paths in a radix tree, and the engine never sees a token.

A sequence is a request's prompt followed by its output. It is given as spans (stream, start, length):
the tokens start .. start + length of an endless stream. Two tokens are equal iff stream and position are.
A list of explicit token values is spans too: value v is position v of the stream `TOKENS`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blis.errors import InputError
from blis.tables.requests import ContentTree
from blis.workload.content.chains import (
    Chains,
    Own,
    Talks,
    conversation_nodes,
    group_chains,
    interleave,
    own_nodes,
    ranges,
)

Span = tuple[Hashable, int, int]

#: The stream of explicit token values.
TOKENS = None


def first_tokens(spans: Sequence[Span], tokens: int) -> list[Span]:
    """The beginning of a sequence, so many tokens of it or all that there are."""
    found: list[Span] = []
    for stream, start, length in spans:
        if tokens > 0:
            found.append((stream, start, min(length, tokens)))
            tokens -= length
    return found


class InternedContent(NamedTuple):
    """The content columns of a RequestTable; blis/requests.py says what each holds.

    Nodes are numbered in the order in which the rows first walk through them.
    """

    tree: ContentTree
    path_offset: NDArray[np.int64]
    path_node: NDArray[np.int32]
    path_end_token: NDArray[np.int64]
    output_node: NDArray[np.int32]


def token_spans(tokens: Sequence[int]) -> list[Span]:
    """A list of token values as spans; values that count up by one share a span."""
    values = np.asarray(tokens, dtype=np.int64)
    if len(values) == 0:
        return []
    first = np.concatenate(([0], np.flatnonzero(np.diff(values) != 1) + 1))
    length = np.diff(first, append=len(values))
    return [(TOKENS, start, n) for start, n in zip(values[first].tolist(), length.tolist(), strict=True)]


def intern_sequences(sequences: Sequence[Iterable[Span]], input_tokens: Sequence[int]) -> InternedContent:
    """Intern any sequences: token lists, conversations, hash blocks.

    sequences: one a row, spans of the prompt and then of the output. input_tokens: the prompt's length,
    at least 1 and at most the sequence's. Near-linear in the number of spans.
    Nodes end where sequences branch or end, and where a prompt ends inside what another request shares;
    what only one request touches is one node. Raises InputError naming the row.
    """
    stream_numbers: dict[Hashable, int] = {}
    flat = [_flatten(spans, stream_numbers, row) for row, spans in enumerate(sequences)]
    inputs = [int(n) for n in input_tokens]
    for row, (spans, n_input) in enumerate(zip(flat, inputs, strict=True)):
        if not 1 <= n_input <= sum(spans[2::3]):
            raise InputError(f"request {row}: a prompt of {n_input} tokens in a sequence of {sum(spans[2::3])}")
    tree = _TreeBuilder()
    leaf = _build_tree(tree, flat)
    _split_at_prompt_ends(tree, leaf, inputs)
    return _number_nodes(tree, leaf, inputs)


def intern_prefix_groups(
    group: ArrayLike,
    prefix_tokens: ArrayLike,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    conversation: ArrayLike | None = None,
) -> InternedContent:
    """Intern requests that start with the first prefix_tokens of their group's one endless stream.

    group: [n] index of the group, -1 without one. prefix_tokens <= input_tokens. Everything after the
    prefix, output included, is the request's own. conversation: [n] a number, -1 for none; of requests with the same
    number, which have the same group and prefix, each prompt begins with all of the one before it, output included.
    Same result as `intern_sequences`, but vectorised.
    """
    groups = np.asarray(group)
    prefix, inputs, outputs = (np.asarray(column, np.int64) for column in (prefix_tokens, input_tokens, output_tokens))
    bad = np.flatnonzero((prefix < 0) | (prefix > inputs) | (inputs < 1) | (outputs < 0))
    if len(bad):
        lengths = f"prefix {prefix[bad[0]]}, input {inputs[bad[0]]}, output {outputs[bad[0]]} tokens"
        raise InputError(f"request {bad[0]}: {lengths} do not fit together")
    if conversation is None:
        chains = group_chains(groups, prefix)
        return _lay_out(chains, own_nodes(chains.reach, inputs + outputs))
    talks = Talks.of(np.asarray(conversation, np.int64))
    chains = group_chains(np.where(talks.opens, groups, -1), prefix).also_walked_by(talks.opener)
    return _lay_out(chains, conversation_nodes(talks, chains.reach, inputs, inputs + outputs))


def _lay_out(chains: Chains, own: Own) -> InternedContent:
    """Number all nodes and write down every request's path: links of its chain, then its own nodes."""
    chain_node, own_node = interleave(chains.first_row, own.row)
    offset, node, path_end = _paths(chains, own, chain_node, own_node)
    n_nodes = len(chain_node) + len(own_node)
    start, end = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    start[chain_node], end[chain_node] = chains.start, chains.end
    start[own_node], end[own_node] = own.start, own.end
    is_shared = np.zeros(n_nodes, bool)
    is_shared[chain_node] = is_shared[own_node[own.shared]] = True
    # What a request generates, or the last token of its prompt if it generates nothing, lies in its last node.
    return _frozen(
        _parents(chains, own, chain_node, own_node), start, end, is_shared, offset, node, path_end, node[offset[1:] - 1]
    )


def _paths(
    chains: Chains, own: Own, chain_node: NDArray[np.int64], own_node: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Where the path of each request starts among all entries, their nodes and where these end."""
    offset = np.concatenate(([0], np.cumsum(chains.links + own.length)))
    member = np.flatnonzero(chains.links)
    link, place = (ranges(first[member], chains.links[member]) for first in (chains.head, offset))
    rest = ranges(offset[1:] - own.length, own.length)
    node, end = np.empty(offset[-1], np.int32), np.empty(offset[-1], np.int64)
    node[place], end[place] = chain_node[link], chains.end[link]
    node[rest], end[rest] = own_node[own.walk], own.end[own.walk]
    return offset, node, end


def _parents(chains: Chains, own: Own, chain_node: NDArray[np.int64], own_node: NDArray[np.int64]) -> NDArray[np.int32]:
    """[nodes] the node before: of a chain, of a conversation, or the last link of the request's chain."""
    parent = np.empty(len(chain_node) + len(own_node), np.int32)
    parent[chain_node] = np.where(chains.start > 0, np.roll(chain_node, 1), -1)
    last_link = (chains.head + chains.links - 1)[own.row]  # -1 without any
    parent[own_node] = np.append(chain_node, -1).take(last_link)
    parent[own_node[own.later]] = own_node[own.before]
    return parent


def _flatten(spans: Iterable[Span], stream_numbers: dict[Hashable, int], row: int) -> tuple[int, ...]:
    """Spans as (stream number, start, length, stream number, …), each as long as it can be.

    Only then do two sequences that agree also have the same spans, up to where they part.
    """
    flat: list[int] = []
    for stream, start, length in spans:
        if length < 0:
            raise InputError(f"request {row}: a span of {length} tokens")
        if length == 0:
            continue
        number = stream_numbers.setdefault(stream, len(stream_numbers))
        if flat and flat[-3] == number and flat[-2] + flat[-1] == start:
            flat[-1] += length
        else:
            flat += (number, start, length)
    return tuple(flat)


def _common_tokens(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """How many tokens two flattened sequences have in common from the start."""
    common = 0
    for i in range(0, min(len(a), len(b)), 3):
        if a[i] != b[i] or a[i + 1] != b[i + 1]:
            break
        common += min(a[i + 2], b[i + 2])
        if a[i + 2] != b[i + 2]:
            break
    return common


class _TreeBuilder:
    """A radix tree that grows; lists indexed by node, numbered as they came. Nodes are never empty."""

    def __init__(self) -> None:
        self.parent: list[int] = []
        self.start: list[int] = []
        self.end: list[int] = []

    def add(self, parent: int, start: int, end: int) -> int:
        """A new node; returns its number."""
        self.parent.append(parent)
        self.start.append(start)
        self.end.append(end)
        return len(self.parent) - 1

    def split(self, node: int, at: int) -> int:
        """Cut a node in two. The lower part keeps the number, and so its children; returns the upper one."""
        upper = self.add(self.parent[node], self.start[node], at)
        self.parent[node], self.start[node] = upper, at
        return upper

    def path(self, leaf: int) -> list[int]:
        """The nodes from a root down to `leaf`."""
        nodes = []
        while leaf >= 0:
            nodes.append(leaf)
            leaf = self.parent[leaf]
        nodes.reverse()
        return nodes


def _build_tree(tree: _TreeBuilder, flat: list[tuple[int, ...]]) -> list[int]:
    """Insert all sequences; returns the last node of each.

    In sorted order, sequences that share a beginning are neighbours, and a sequence comes after its own
    beginnings: each parts from the path of the one before it, which `stack` holds.
    """
    leaf = [-1] * len(flat)
    stack: list[int] = []
    before: tuple[int, ...] = ()
    for row in sorted(range(len(flat)), key=flat.__getitem__):
        common = _common_tokens(before, flat[row])
        while stack and tree.start[stack[-1]] >= common:
            stack.pop()
        if stack and tree.end[stack[-1]] > common:
            stack[-1] = tree.split(stack[-1], common)
        length = sum(flat[row][2::3])
        if length > common:
            stack.append(tree.add(stack[-1] if stack else -1, common, length))
        leaf[row] = stack[-1]
        before = flat[row]
    return leaf


def _split_at_prompt_ends(tree: _TreeBuilder, leaf: list[int], inputs: list[int]) -> None:
    """Cut the nodes inside which a prompt ends, where another request goes through them too."""
    touches = [0] * len(tree.parent)
    for last in leaf:
        for node in tree.path(last):
            touches[node] += 1
    for last, n_input in zip(leaf, inputs, strict=True):
        node = last
        while tree.start[node] >= n_input:
            node = tree.parent[node]
        if tree.end[node] > n_input and touches[node] > 1:
            tree.split(node, n_input)
            touches.append(touches[node])


def _number_nodes(tree: _TreeBuilder, leaf: list[int], inputs: list[int]) -> InternedContent:
    """The paths of all rows, with nodes numbered in the order in which the rows walk through them."""
    number: dict[int, int] = {}
    path_node: list[int] = []
    path_end: list[int] = []
    path_offset = [0]
    for last in leaf:
        for node in tree.path(last):
            path_node.append(number.setdefault(node, len(number)))
            path_end.append(tree.end[node])
        path_offset.append(len(path_node))
    n_input = np.asarray(inputs, np.int64)
    total = np.asarray([tree.end[last] for last in leaf], np.int64)
    offsets, nodes, ends = (np.asarray(column, np.int64) for column in (path_offset, path_node, path_end))
    return content_of_paths(offsets, nodes, ends, n_input, total - n_input)


def content_of_paths(
    path_offset: NDArray[np.int64],
    path_node: NDArray[np.int64],
    path_end: NDArray[np.int64],
    inputs: NDArray[np.int64],
    outputs: NDArray[np.int64],
) -> InternedContent:
    """The content of rows whose paths are known: derives the tree and the output nodes."""
    first_entry = path_offset[:-1]
    n_nodes = int(path_node.max(initial=-1)) + 1
    parent = np.empty(n_nodes, np.int32)
    start, end = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    before, start_of_entry = np.empty(len(path_node), np.int64), np.empty(len(path_node), np.int64)
    before[1:], start_of_entry[1:] = path_node[:-1], path_end[:-1]
    before[first_entry], start_of_entry[first_entry] = -1, 0
    parent[path_node], start[path_node], end[path_node] = before, start_of_entry, path_end
    multiple = np.bincount(path_node, minlength=n_nodes) > 1

    # Where the first generated token lies, or the last one of the prompt if there is none.
    position = np.where(outputs > 0, inputs, inputs - 1)
    passed = path_end <= np.repeat(position, np.diff(path_offset))
    entry = first_entry + np.add.reduceat(passed, first_entry, dtype=np.int64) if len(inputs) else first_entry
    return _frozen(
        parent,
        start,
        end,
        multiple,
        path_offset,
        path_node.astype(np.int32),
        path_end,
        path_node[entry].astype(np.int32),
    )


def _frozen(
    parent: NDArray[np.int32],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    is_shared: NDArray[np.bool_],
    *paths: NDArray[Any],
) -> InternedContent:
    """The tree and the paths, read-only; is_shared: [nodes] whether two or more requests touch the node."""
    shared = np.full(len(parent), -1, np.int32)
    shared[is_shared] = np.arange(np.count_nonzero(is_shared))
    arrays: tuple[NDArray[Any], ...] = (parent, start, end, shared, *paths)
    for array in arrays:
        array.setflags(write=False)
    return InternedContent(ContentTree(parent, start, end, shared), *paths)
