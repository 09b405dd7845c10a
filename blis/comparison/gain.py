"""A difference and its interval in words: signs, as many digits as it takes, and none of a zero."""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = 3  # after the point, of a score


def signed(value: float, digits: int = DIGITS) -> str:
    """A number with its sign; what rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text if text.strip("+-0.") else text[1:]


def interval(bounds: Sequence[float] | None, digits: int = DIGITS) -> str:
    """The two ends of an interval with their signs, with more digits where 0 would look as if it were inside."""
    if bounds is None:
        return "none"
    low, high = (signed(bound, _enough(bounds, digits)) for bound in bounds)
    return f"[{low}, {high}]"


def gain(mean: float, bounds: Sequence[float] | None, digits: int = DIGITS) -> tuple[str, str]:
    """A mean and its interval, both of as many digits."""
    return signed(mean, digits if bounds is None else _enough(bounds, digits)), interval(bounds, digits)


def _enough(bounds: Sequence[float], digits: int) -> int:
    """So many digits, or as many as it takes to see that an interval lies on one side of 0."""
    nearest = min(map(abs, bounds))
    if bounds[0] > 0 or bounds[1] < 0:
        while round(nearest, digits) == 0:
            digits += 1
    return digits
