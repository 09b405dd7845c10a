"""Counting in O(log n): how many numbers of a stretch of an array are below a limit, for many stretches at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def count_below(values: NDArray[Any], start: Ints, end: Ints, limit: NDArray[Any]) -> Ints:
    """[q] how many of values[start:end] are < limit; O((n + q) log n), whole columns at a time.

    A wavelet matrix (Claude, Navarro and Ordóñez 2015): bit by bit of the values' ranks, the highest first,
    those with a 0 are moved before those with a 1, and every stretch follows its limit.
    """
    distinct, symbols = np.unique(values, return_inverse=True)
    bound = np.searchsorted(distinct, limit)
    start, end = start.copy(), end.copy()
    count = np.zeros(len(start), np.int64)
    for bit in reversed(range(len(distinct).bit_length())):
        ones = (symbols >> bit & 1).astype(np.bool_)
        zeros_before = np.concatenate([[0], np.cumsum(~ones)])
        start_zeros, end_zeros = zeros_before[start], zeros_before[end]
        high = (bound >> bit & 1).astype(np.bool_)
        count += np.where(high, end_zeros - start_zeros, 0)
        start = np.where(high, zeros_before[-1] + start - start_zeros, start_zeros)
        end = np.where(high, zeros_before[-1] + end - end_zeros, end_zeros)
        symbols = np.concatenate([symbols[~ones], symbols[ones]])
    return count
