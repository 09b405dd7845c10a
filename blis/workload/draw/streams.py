"""Named random streams: one generator a purpose, so that a draw added somewhere changes nothing elsewhere."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The generator for one purpose, such as "workload/arrivals".

    seed: >= 0, of any size. The name enters as its CRC-32, which is the same on every machine.
    Source: architecture.md section 3.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, crc32(name.encode())]))


class Fresh:
    """The streams of a seed, each from its beginning whenever it is asked for."""

    def __init__(self, seed: int) -> None:
        """seed: >= 0."""
        self.seed = seed

    def __call__(self, name: str, _reader: str = "") -> np.random.Generator:
        """The generator for a purpose."""
        return stream(self.seed, name)


class Going(Fresh):
    """The same, each going on where the last draws from it ended: what is drawn bit by bit is what is drawn at once."""

    def __init__(self, seed: int) -> None:
        """Nothing has been drawn."""
        super().__init__(seed)
        self._known: dict[tuple[str, str], np.random.Generator] = {}

    def __call__(self, name: str, reader: str = "") -> np.random.Generator:
        """The generator for a purpose; reader: of those who draw the same numbers, each has a generator of its own."""
        if (name, reader) not in self._known:
            self._known[name, reader] = _Parent(stream(self.seed, name).bit_generator)
        return self._known[name, reader]


class _Parent(np.random.Generator):
    """A generator whose children go on, too."""

    def spawn(self, n_children: int) -> list[np.random.Generator]:
        """The same ones, whenever they are asked for."""
        if "_children" not in vars(self):
            self._children = super().spawn(n_children)
        return self._children
