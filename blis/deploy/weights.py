"""Weights as a ratio of whole numbers: an arg-max does not see their scale, and every release reads integers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

#: Weights in longer ratios are rounded to parts of the largest.
LARGEST = 1_000_000


def integer_ratio(weights: Sequence[float]) -> tuple[list[int], bool]:
    """The smallest whole numbers in the ratio of one or more weights above 0, and whether that is exact.

    A weight is what its shortest decimal form says. Numbers above LARGEST are scaled down to it and rounded, to 1 at
    least.
    """
    exact = [Fraction(repr(float(weight))) for weight in weights]
    denominator = lcm(*(one.denominator for one in exact))
    whole = [int(one * denominator) for one in exact]
    if max(whole) // gcd(*whole) <= LARGEST:
        return _reduced(whole), True
    top = max(exact)
    return _reduced([max(1, round(one / top * LARGEST)) for one in exact]), False


def _reduced(whole: Sequence[int]) -> list[int]:
    divisor = gcd(*whole)
    return [one // divisor for one in whole]
