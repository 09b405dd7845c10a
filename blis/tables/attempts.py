"""Requests that clients may ask for again: every attempt as a row of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.tables.limits import numbered
from blis.tables.requests import RequestTable, draws

#: Columns that are the same for all attempts.
_SAME = (
    *("input_tokens", "output_tokens", "slo_class", "tenant", "session", "round"),
    *("path_node", "path_end_token", "output_node"),
)


def with_attempts(table: RequestTable, attempts: int) -> RequestTable:
    """The table with `attempts` rows a request, attempt k of request r in row k n + r; kept with the table.

    All attempts ask for the same and share all their content. The first one of each is as it was; the others have no
    arrival, follow nobody, and think for 1 µs, so that they come when somebody lets them, and numbers of their own.
    """
    if attempts == 1:
        return table
    key = f"attempts/{attempts}"
    if key not in table.cache:
        table.cache[key] = _repeated(_with_prompts_apart(table), attempts)
    return table.cache[key]  # type: ignore[return-value]


def _repeated(table: RequestTable, attempts: int) -> RequestTable:
    n, more = len(table), attempts - 1
    nobody = np.full(n, -1, np.int32)
    uniform = [table.uniform, *(draws(table.uniform, f"attempt-{k}") for k in range(1, attempts))]
    columns: dict[str, Any] = {name: np.tile(getattr(table, name), attempts) for name in _SAME}
    columns |= {
        name: np.tile(getattr(table, name), attempts) for name in ("path_node", "path_end_token", "output_node")
    }
    columns |= {
        "arrival_us": _then(table.arrival_us, more * n, -1),
        "path_offset": np.concatenate([[0], np.cumsum(np.tile(np.diff(table.path_offset), attempts))]),
        "uniform": np.concatenate(uniform),
        "placement": None if table.placement is None else np.tile(table.placement, attempts),
        "adapter": None if table.adapter is None else np.tile(table.adapter, attempts),
        "predecessor": _then(nobody if table.predecessor is None else table.predecessor, more * n, -1),
        "think_us": _then(np.zeros(n, np.int64) if table.think_us is None else table.think_us, more * n, 1),
    }
    shared = numbered(columns["path_node"], len(table.tree.parent))
    for array in (shared, *columns.values()):
        if array is not None:
            array.setflags(write=False)
    names = None if table.request_ids is None else table.request_ids * attempts
    return replace(
        table, tree=replace(table.tree, shared=shared), request_ids=names, origin=None, scored=None, cache={}, **columns
    )


def _with_prompts_apart(table: RequestTable) -> RequestTable:
    """The table in which every node ends where a prompt does: what only one request touches need not have, so far."""
    tree, nodes = table.tree, len(table.tree.parent)
    row = np.repeat(np.arange(len(table)), np.diff(table.path_offset))
    prompt_end = table.input_tokens[row]
    crosses = (tree.start_token[table.path_node] < prompt_end) & (table.path_end_token > prompt_end)
    place = np.flatnonzero(crosses)
    node, end, answer = table.path_node[place], prompt_end[place], nodes + np.arange(len(place))
    end_token, path_end_token = tree.end_token.copy(), table.path_end_token.copy()
    end_token[node], path_end_token[place] = end, end
    output_node = table.output_node.copy()
    output_node[row[place]] = answer
    return replace(
        table,
        path_offset=table.path_offset + np.concatenate([[0], np.cumsum(np.bincount(row[place], minlength=len(table)))]),
        path_node=np.insert(table.path_node, place + 1, answer).astype(np.int32),
        path_end_token=np.insert(path_end_token, place + 1, table.path_end_token[place]),
        output_node=output_node,
        tree=replace(
            tree,
            parent=np.concatenate([tree.parent, node]).astype(np.int32),
            start_token=np.concatenate([tree.start_token, end]),
            end_token=np.concatenate([end_token, tree.end_token[node]]),
        ),
        cache={},
    )


def _then(column: NDArray[Any], count: int, value: int) -> NDArray[Any]:
    """A column of the first attempts, and one value for all others."""
    return np.concatenate([column, np.full(count, value, column.dtype)])
