"""Rows of a run by instance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def rows_by_instance(
    instance: NDArray[np.signedinteger], chosen: NDArray[np.bool_]
) -> Iterator[NDArray[np.signedinteger]]:
    """The chosen rows of each instance that has any, in the order of the table; those of none (-1) come first.

    instance: [n] where each row is.
    """
    rows = np.flatnonzero(chosen).astype(np.int32 if len(chosen) < 2**31 else np.int64)  # of millions that is much
    rows = rows[np.argsort(instance[rows], kind="stable")]
    edges = np.flatnonzero(np.diff(instance[rows])) + 1
    return (part for part in np.split(rows, edges) if len(part))
