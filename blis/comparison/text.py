"""A comparison as a table for the terminal: a block a measure, a line a policy."""

from __future__ import annotations

import numpy as np

from blis.comparison.measures import MEASURES, Measure
from blis.comparison.side_by_side import SideBySide
from blis.text import aligned

_NOTHING = "–"


def side_by_side_text(compared: SideBySide) -> str:
    """Means, differences to the baseline with their intervals, and what these prove."""
    parts = [f"against {compared.baseline}; {compared.method}, each by itself"]
    for key, measure in MEASURES.items():
        rows = [(f"  {name}", *_cells(compared, name, key, measure)) for name in compared.values]
        parts += ["", f"{key} ({measure.unit})", aligned(rows, right={1})]
    return "\n".join(parts)


def _cells(compared: SideBySide, name: str, key: str, measure: Measure) -> tuple[str, str, str]:
    """A policy's mean, its difference with the interval, and the verdict."""
    value = _number(compared.values[name][key], measure.digits)
    if name == compared.baseline:
        return value, "baseline", ""
    found = compared.differences[name][key]
    difference = _number(found.mean, measure.digits, "+")
    if found.bounds is not None:
        low, high = (_number(bound, measure.digits, "+") for bound in found.bounds)
        difference += f" [{low}, {high}]"
    return value, difference, found.verdict(measure.more_is_better)


def _number(value: float, digits: int, sign: str = "") -> str:
    return _NOTHING if np.isnan(value) else f"{value:{sign}.{digits}f}"
