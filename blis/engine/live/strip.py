"""PATH entries of the requests that are here, in one array: each has a stretch of it, which others use later."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from blis.engine.build.arrays import Records, blank
from blis.engine.records import PATH
from blis.engine.world import Array


class Strip:
    """Stretches of lengths that are powers of two; those given back are the first to be taken again."""

    def __init__(self, entries: int) -> None:
        """entries: room at the start; the array is another one when that has not been enough."""
        self.array = blank(PATH, entries)
        self._used = 0
        self._free: defaultdict[int, list[int]] = defaultdict(list)

    def put(self, nodes: Array) -> int:
        """Write a path with a block a node; returns where it begins."""
        free, length = self._free[_room(len(nodes))], len(nodes)
        begin = free.pop() if free else self._stretch(_room(length))
        entries = self.array.view(np.ndarray)[begin : begin + length]
        entries["node"] = nodes
        entries["first_block"] = np.arange(length)
        entries["end_block"] = np.arange(1, length + 1)
        return begin

    def give_back(self, begin: int, length: int) -> None:
        """Nobody needs the path that `put` wrote there any more."""
        self._free[_room(length)].append(begin)

    def _stretch(self, length: int) -> int:
        begin, self._used = self._used, self._used + length
        while self._used > len(self.array):
            self.array = np.concatenate([self.array, np.zeros_like(self.array)]).view(Records)
        return begin


def _room(length: int) -> int:
    return 1 << (length - 1).bit_length() if length else 1
