"""Some rows of a request table as a table of their own, at the same times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.requests import RequestTable

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
    """The rows for which `keep` [n] holds; they keep their names, content and random numbers.

    Scored rows stay scored. Raises InputError if no row is left.
    """
    rows = np.flatnonzero(keep)
    if len(rows) == 0:
        raise InputError("no request is left")
    lengths = np.diff(table.path_offset)
    entries = np.repeat(keep, lengths)
    path_node = table.path_node[entries]
    touched_twice = np.bincount(path_node, minlength=len(table.tree.parent)) > 1
    shared = np.where(touched_twice, np.cumsum(touched_twice) - 1, -1).astype(np.int32)
    if table.scored is not None:
        first, last = np.searchsorted(rows, table.scored).tolist()
    changes: dict[str, Any] = {name: getattr(table, name)[rows] for name in _COLUMNS}
    changes |= {
        "path_offset": np.concatenate(([0], np.cumsum(lengths[rows]))),
        "path_node": path_node,
        "path_end_token": table.path_end_token[entries],
        "placement": None if table.placement is None else table.placement[rows],
    }
    for array in (shared, *changes.values()):
        if array is not None:
            array.setflags(write=False)
    return replace(
        table,
        tree=replace(table.tree, shared=shared),
        request_ids=tuple(table.request_id(row) for row in rows.tolist()),
        scored=None if table.scored is None else (first, last),
        cache={},
        **changes,
    )
