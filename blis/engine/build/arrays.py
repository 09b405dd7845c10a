"""Arrays of records, whose fields are attributes in Python as they are in kernels.

A dtype that is one of records already saves numpy most of the time that making such an array takes; a run has
more than thirty of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from blis.engine.world import Array

Shape = int | tuple[int, ...]


def blank(dtype: np.dtype[Any], shape: Shape) -> Array:
    """Records that are all zero."""
    return np.zeros(shape, _records(dtype)).view(np.recarray)


def room(dtype: np.dtype[Any], shape: Shape) -> Array:
    """Records that the kernel sets before it reads them."""
    return np.empty(shape, _records(dtype)).view(np.recarray)


def listed(dtype: np.dtype[Any], rows: list[tuple[Any, ...]]) -> Array:
    """Records with these fields, one tuple a record."""
    return np.array(rows, _records(dtype)).view(np.recarray)


def filled(dtype: np.dtype[Any], shape: Shape, fields: tuple[Any, ...]) -> Array:
    """Equal records."""
    return np.full(shape, np.array(fields, dtype), _records(dtype)).view(np.recarray)


@cache
def _records(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype((np.record, dtype))
