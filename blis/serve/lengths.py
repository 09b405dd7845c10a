"""How long answers are where nobody says: as long as those of a workload, drawn in a row, the same in every run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.workload.draw.streams import stream

#: Without a workload.
_USUAL = np.array([128])


class Lengths:
    """One length after the other."""

    def __init__(self, tokens: NDArray[np.int64] | None = None, seed: int = 0) -> None:
        """tokens: lengths of a workload's answers."""
        self._tokens = _USUAL if tokens is None else np.maximum(tokens, 1)
        self._stream = stream(seed, "serve/lengths")

    def next(self) -> int:
        """The next answer's."""
        return int(self._stream.choice(self._tokens))
