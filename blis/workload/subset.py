"""Some rows of a request table as a table of their own, at the same times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.limits import numbered
from blis.tables.requests import RequestTable

Places = slice | NDArray[Any]

_COLUMNS = (
    "arrival_us",
    "input_tokens",
    "output_tokens",
    "output_node",
    "slo_class",
    "tenant",
    "session",
    "round",
    "uniform",
)


def keep_rows(table: RequestTable, keep: NDArray[np.bool_]) -> RequestTable:
    """The rows for which `keep` [n] holds; they keep their names, content and `uniform`.

    Scored rows stay scored. What follows a row that is not kept is not kept either. Raises InputError if nothing is
    left.
    """
    if table.predecessor is not None:
        keep = _with_those_they_follow(keep, table.predecessor)
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        raise InputError("no request is left")
    kept = take_rows(table, rows, np.repeat(keep, np.diff(table.path_offset)))
    if table.scored is None:
        return kept
    first, last = np.searchsorted(rows, table.scored).tolist()
    return replace(kept, scored=(first, last))


def _with_those_they_follow(keep: NDArray[np.bool_], predecessor: NDArray[np.int32]) -> NDArray[np.bool_]:
    """The rows that are kept with all that they follow from."""
    while True:
        whole = keep & ((predecessor < 0) | keep[predecessor])
        if np.array_equal(whole, keep):
            return keep
        keep = whole


def take_rows(table: RequestTable, rows: Places, entries: Places) -> RequestTable:
    """Some rows, and their entries of the path: as slices without a copy, else as places or a mask.

    The content tree is the same, so blocks keep their identity; only `shared` is counted anew. None is scored.
    What a row follows must be among them.
    """
    path_node = table.path_node[entries]
    shared = numbered(path_node, len(table.tree.parent))
    columns: dict[str, Any] = {name: getattr(table, name)[rows] for name in _COLUMNS}
    columns |= {
        "path_offset": np.concatenate(([0], np.cumsum(np.diff(table.path_offset)[rows]))),
        "path_node": path_node,
        "path_end_token": table.path_end_token[entries],
        "placement": None if table.placement is None else table.placement[rows],
        "adapter": _adapters(table, rows),
        **_loops(table, rows),
    }
    for array in (shared, *columns.values()):
        if array is not None:
            array.setflags(write=False)
    return replace(
        table,
        tree=replace(table.tree, shared=shared),
        origin=None if table.origin is None else table.origin.take(rows),
        request_ids=tuple(table.request_id(row) for row in np.arange(len(table))[rows].tolist()),
        scored=None,
        cache={},
        **columns,
    )


def _adapters(table: RequestTable, rows: Places) -> NDArray[Any] | None:
    """The column of adapters for some rows; None if all of them are for the base model."""
    if table.adapter is None or (table.adapter[rows] < 0).all():
        return None
    return table.adapter[rows]


def _loops(table: RequestTable, rows: Places) -> dict[str, Any]:
    """The columns of closed loops for some rows: rows have other numbers there."""
    if table.predecessor is None or table.think_us is None:
        return {}
    number = np.full(len(table) + 1, -1, np.int32)  # the last one is for -1
    number[:-1][rows] = np.arange(len(table.predecessor[rows]), dtype=np.int32)
    predecessor = number[table.predecessor[rows]]
    if (predecessor < 0).all():
        return {"predecessor": None, "think_us": None}
    return {"predecessor": predecessor, "think_us": table.think_us[rows]}
