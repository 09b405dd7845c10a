"""Requests as a server takes them: prompts that lose their end, and sequences that end where the model does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import ContentTree, RequestTable


def within_limits(table: RequestTable, max_prompt_tokens: int, max_tokens: int) -> RequestTable:
    """The table in which no prompt is longer, and every sequence whose prompt is shorter ends with so many tokens.

    Of a prompt its beginning is kept. 0 = no limit.
    """
    if max_prompt_tokens and (table.input_tokens > max_prompt_tokens).any():
        table = _cut_prompts(table, max_prompt_tokens)
    if not max_tokens:
        return table
    room = max_tokens - table.input_tokens
    ended = (room > 0) & (table.output_tokens > room)
    if not ended.any():
        return table
    return replace(table, output_tokens=np.where(ended, room, table.output_tokens), cache={})


def numbered(path_node: NDArray[np.int32], nodes: int) -> NDArray[np.int32]:
    """[nodes] consecutive numbers of those that stand in a path twice or more, -1 of the others."""
    touched_twice = np.bincount(path_node, minlength=nodes) > 1
    return np.where(touched_twice, np.cumsum(touched_twice) - 1, -1).astype(np.int32)


def _cut_prompts(table: RequestTable, tokens: int) -> RequestTable:
    """The table in which prompts end there, and what is generated then is shared with nobody."""
    tree, n = table.tree, len(table)
    row, node = np.repeat(np.arange(n), np.diff(table.path_offset)), table.path_node
    cut = table.input_tokens > tokens
    crosses = (tree.start_token < tokens) & (tree.end_token > tokens)
    behind = len(tree.parent) - 1 + np.cumsum(crosses)  # [nodes] what is behind the cut of those that are crossed
    stays = ~cut[row] | (tree.start_token[node] < tokens)
    goes_on, answered = crosses[node] & ~cut[row], np.flatnonzero(cut & (table.output_tokens > 0))
    own = len(tree.parent) + int(crosses.sum()) + np.arange(len(answered))  # a node for each answer to a cut prompt

    rows = np.concatenate([row[stays], row[goes_on], answered])
    nodes = np.concatenate([node[stays], behind[node[goes_on]], own])
    ends = np.concatenate(
        [
            np.where(crosses[node], tokens, table.path_end_token)[stays],
            table.path_end_token[goes_on],
            tokens + table.output_tokens[answered],
        ]
    )
    order = np.lexsort((ends, rows))
    last_of_prompt = np.flatnonzero(np.diff(rows[order], append=n) > 0)[answered] - 1
    parts = ContentTree(
        parent=np.concatenate(
            [
                np.where(crosses[tree.parent] & (tree.parent >= 0), behind[tree.parent], tree.parent),
                np.flatnonzero(crosses),
                nodes[order][last_of_prompt],
            ]
        ),
        start_token=np.concatenate([tree.start_token, np.full(len(own) + int(crosses.sum()), tokens)]),
        end_token=np.concatenate(
            [np.where(crosses, tokens, tree.end_token), tree.end_token[crosses], tokens + table.output_tokens[answered]]
        ),
        shared=tree.shared,
    )
    return _with_paths(table, np.minimum(table.input_tokens, tokens), parts, rows[order], nodes[order], ends[order])


def _with_paths(
    table: RequestTable,
    input_tokens: NDArray[np.int64],
    tree: ContentTree,
    row: NDArray[np.int64],
    node: NDArray[np.int64],
    end_token: NDArray[np.int64],
) -> RequestTable:
    """The table with other prompts, and so with other paths: entries by row, node and end.

    Nodes of the tree may have any numbers; here parents get smaller ones.
    """
    in_order = np.argsort(tree.start_token, kind="stable")
    number = np.empty(len(in_order) + 1, np.int32)
    number[in_order], number[-1] = np.arange(len(in_order)), -1
    path_node, n = number[node], len(table)
    first_behind = np.where(table.output_tokens > 0, input_tokens, input_tokens - 1)
    longest = int(end_token.max()) + 1
    columns: dict[str, Any] = {
        "input_tokens": input_tokens,
        "path_offset": np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]),
        "path_node": path_node,
        "path_end_token": end_token,
        "output_node": path_node[
            np.searchsorted(row * longest + end_token, np.arange(n) * longest + first_behind, side="right")
        ],
    }
    whole = ContentTree(
        parent=number[tree.parent[in_order]],
        start_token=tree.start_token[in_order],
        end_token=tree.end_token[in_order],
        shared=numbered(path_node, len(in_order)),
    )
    for array in (*vars(whole).values(), *columns.values()):
        array.setflags(write=False)
    return replace(table, tree=whole, cache={}, **columns)
