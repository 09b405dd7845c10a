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


class Records(np.ndarray):
    """Fields by name, as `np.recarray` has them, but looked for only where an array has no attribute of that name.

    An np.recarray asks for its own dtype whenever one is made or any of its attributes is read.
    """

    def __getattr__(self, name: str) -> Any:
        """A field of all records."""
        if name not in (self.dtype.names or ()):
            raise AttributeError(f"array of records has no field {name!r}")
        field = self[name]
        return field.view(np.ndarray) if field.dtype.names is None else field.view(_records(field.dtype))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field of all records."""
        if name in (self.dtype.names or ()):
            self[name] = value
        else:
            super().__setattr__(name, value)


def blank(dtype: np.dtype[Any], shape: Shape) -> Array:
    """Records that are all zero."""
    return np.zeros(shape, _records(dtype)).view(Records)


def room(dtype: np.dtype[Any], shape: Shape) -> Array:
    """Records that the kernel sets before it reads them."""
    return np.empty(shape, _records(dtype)).view(Records)


def listed(dtype: np.dtype[Any], rows: list[tuple[Any, ...]]) -> Array:
    """Records with these fields, one tuple a record."""
    return np.array(rows, _records(dtype)).view(Records)


def filled(dtype: np.dtype[Any], shape: Shape, fields: tuple[Any, ...]) -> Array:
    """Equal records."""
    return np.full(shape, np.array(fields, dtype), _records(dtype)).view(Records)


@cache
def _records(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype((np.record, dtype))
