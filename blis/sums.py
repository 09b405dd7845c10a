"""Sums of floats, one after the other in the order given.

Python's own `sum` rounds in another way from 3.12 on (it compensates), so that the last bits of a score would depend on
the version that runs it.
"""

from __future__ import annotations

from collections.abc import Iterable


def total(values: Iterable[float]) -> float:
    """Their sum; 0.0 of none."""
    found = 0.0
    for value in values:
        found += value
    return found
