"""Means with their intervals as rows of a table, each with its place on one common scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blis.comparison.gain import gain

#: A comparison as verdict.json has it.
Compared = Mapping[str, Any]

TICKS = 5


@dataclass(frozen=True)
class Row:
    """A name and what stands beside it. low, at, high: places on the scale in percent; low, high None: no interval."""

    name: str
    mean: str
    interval: str
    note: str
    at: float
    low: float | None
    high: float | None
    word: str  # better, worse, or "" for neither


@dataclass(frozen=True)
class Forest:
    """Rows over one scale. zero: its place in percent; ticks: places and labels."""

    rows: Sequence[Row]
    zero: float
    ticks: Sequence[tuple[float, str]]


def bounds_of(found: Compared) -> Sequence[float] | None:
    """The interval of a comparison, drawn or on a trace."""
    return found.get("t") or found.get("interval")


def forest(found: Mapping[str, Compared], notes: Mapping[str, str] | None = None) -> Forest:
    """Comparisons by name, in their order. notes: a word beside a name."""
    ends = [0.0, *(end for one in found.values() for end in (one["mean"], *(bounds_of(one) or ())))]
    low, high = min(ends), max(ends)
    margin = 0.04 * (high - low) or 1.0
    low, span = low - margin, high - low + 2 * margin

    def place(value: float) -> float:
        return round(100 * (value - low) / span, 2)

    rows = [_row(name, one, (notes or {}).get(name, ""), place) for name, one in found.items()]
    return Forest(rows, place(0.0), [(place(tick), f"{tick:+g}" if tick else "0") for tick in _ticks(low, low + span)])


def _row(name: str, found: Compared, note: str, place: Any) -> Row:
    """One comparison. place: where a value is on the scale."""
    bounds = bounds_of(found)
    low, high = (None, None) if bounds is None else map(place, bounds)
    better, worse = bounds is not None and bounds[0] > 0, bounds is not None and bounds[1] < 0
    word = "better" if better else "worse" if worse else ""
    return Row(name, *gain(found["mean"], bounds), note, place(found["mean"]), low, high, word)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers within a range, 0 among them."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(TICKS).tick_values(low, high)
    return [round(float(tick), 10) + 0.0 for tick in found if low <= tick <= high]
