"""Columns of whole numbers that grow in place, as narrow as their numbers allow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Growing:
    """Numbers one part after the other. The memory is extended, so that hardly any of it is ever held twice."""

    def __init__(self, *types: type) -> None:
        """types: the widths to choose from, the narrowest first."""
        self._types = types
        self._values: NDArray[Any] = np.empty(0, types[0])

    def add(self, values: NDArray[Any]) -> None:
        """More of them; all are widened if these need it. Raises OverflowError beyond the widest type."""
        while not _fits(values, self._values.dtype):
            wider = self._types[self._types.index(self._values.dtype.type) + 1 :]
            if not wider:
                raise OverflowError(f"{int(np.abs(values).max())} is too large for {self._values.dtype}")
            self._values = self._values.astype(wider[0])
        n = len(self._values)
        self._values.resize(n + len(values), refcheck=False)
        self._values[n:] = values

    def take(self) -> NDArray[Any]:
        """All of them; none are left here."""
        found, self._values = self._values, self._values[:0].copy()
        return found


def _fits(values: NDArray[Any], kind: np.dtype[Any]) -> bool:
    limits = np.iinfo(kind)
    return bool(limits.min <= values.min(initial=0) and values.max(initial=0) <= limits.max)
