"""Some rows of a request table as a table of their own, at the same times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
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

    Scored rows stay scored. Raises InputError if no row is left.
    """
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        raise InputError("no request is left")
    kept = take_rows(table, rows, np.repeat(keep, np.diff(table.path_offset)))
    if table.scored is None:
        return kept
    first, last = np.searchsorted(rows, table.scored).tolist()
    return replace(kept, scored=(first, last))


def take_rows(table: RequestTable, rows: Places, entries: Places) -> RequestTable:
    """Some rows, and their entries of the path: as slices without a copy, else as places or a mask.

    The content tree is the same, so blocks keep their identity; only `shared` is counted anew. None is scored.
    """
    path_node = table.path_node[entries]
    touched_twice = np.bincount(path_node, minlength=len(table.tree.parent)) > 1
    shared = np.where(touched_twice, np.cumsum(touched_twice) - 1, -1).astype(np.int32)
    columns: dict[str, Any] = {name: getattr(table, name)[rows] for name in _COLUMNS}
    columns |= {
        "path_offset": np.concatenate(([0], np.cumsum(np.diff(table.path_offset)[rows]))),
        "path_node": path_node,
        "path_end_token": table.path_end_token[entries],
        "placement": None if table.placement is None else table.placement[rows],
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
