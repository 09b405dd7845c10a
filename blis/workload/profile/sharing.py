"""Which prompts begin as earlier ones did: how many, how far, and after how many others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.tables.requests import RequestTable
from blis.workload.content.reuse import seen_tokens
from blis.workload.draw.reuse import ReuseCell
from blis.workload.profile.bins import LEAST, cut

_PARTS = 6  # of prompts by length
_DEPTHS = 8  # of the prompts of a part
_AGOS = 4  # of those of a depth


def fit_reuse(
    table: RequestTable, opens: NDArray[np.bool_], clients: Mapping[str, NDArray[np.bool_]]
) -> tuple[ReuseCell, ...] | None:
    """Cells of what requests that open a session share with earlier ones; None if none does.

    clients: by name, [n] whether a request is sent by it; each has cells of its own, unless there is one alone.
    """
    rows = np.flatnonzero(opens)
    inputs = table.input_tokens[rows]
    depth = np.minimum(seen_tokens(table)[rows], inputs - 1)
    if not depth.any():
        return None
    ago = _openings_ago(table, opens, depth)
    cells: list[ReuseCell] = []
    for name, sends in clients.items():
        own = np.flatnonzero(sends[rows])
        for part in cut(inputs[own], _PARTS):
            places = own[part]
            of_part = _of_part(inputs[places], depth[places], ago[places])
            cells += of_part if len(clients) == 1 else [replace(cell, client=name) for cell in of_part]
    return tuple(cells)


def _of_part(inputs: NDArray[np.int64], depth: NDArray[np.int64], ago: NDArray[np.int64]) -> list[ReuseCell]:
    """Cells of the prompts of some lengths, by depth, then by how long ago; a few of a kind are passed over."""
    longest, share = int(np.sort(inputs)[-LEAST:].mean()), depth / inputs
    reuses = np.flatnonzero(depth)
    reuses = reuses if len(reuses) >= LEAST else reuses[:0]
    alone = len(inputs) - len(reuses)
    cells = []
    if alone >= LEAST or not len(reuses):
        cells.append(ReuseCell(longest, 0.0, 1, float(alone)))
    for places in cut(share[reuses], _DEPTHS) if len(reuses) else []:
        alike = reuses[places]
        percent = round(100 * float(depth[alike].sum() / inputs[alike].sum()), 2)
        for some in cut(ago[alike], _AGOS):
            cells.append(ReuseCell(longest, percent, int(np.median(ago[alike[some]])), float(len(some))))
    return cells


def _openings_ago(table: RequestTable, opens: NDArray[np.bool_], depth: NDArray[np.int64]) -> NDArray[np.int64]:
    """[openings] how many openings before, counted from 1, a row had the last of the tokens that are shared."""
    nodes, ends, offsets = table.path_node.tolist(), table.path_end_token.tolist(), table.path_offset.tolist()
    number = np.cumsum(opens).tolist()  # of the opening that a row is or that came last
    latest: dict[int, int] = {}
    ago: list[int] = []
    for row, opening in enumerate(opens.tolist()):
        path = range(offsets[row], offsets[row + 1])
        if opening:
            deep = int(depth[len(ago)])
            node = next(nodes[p] for p in path if ends[p] >= deep)
            ago.append(max(number[row] - latest.get(node, number[row] - 1), 1))
        for p in path:
            latest[nodes[p]] = number[row]
    return np.array(ago, np.int64)
