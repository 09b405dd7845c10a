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
