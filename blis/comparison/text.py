"""A contest as a table for the terminal: a block a measure, a line a policy."""

from __future__ import annotations

import numpy as np

from blis.comparison.contest import Contest
from blis.comparison.measures import MEASURES, Measure

_NOTHING = "–"


def contest_text(contest: Contest) -> str:
    """Means, differences to the baseline with their intervals, and what these prove."""
    width = max(map(len, contest.values))
    lines = [f"against {contest.baseline}; {contest.method}, each by itself"]
    for key, measure in MEASURES.items():
        lines += ["", f"{key} ({measure.unit})"]
        rows = [(name, *_cells(contest, name, key, measure)) for name in contest.values]
        widths = [max(len(row[column]) for row in rows) for column in range(1, 4)]
        for name, value, difference, verdict in rows:
            cells = f"{value.rjust(widths[0])}  {difference.ljust(widths[1])}  {verdict}"
            lines.append(f"  {name.ljust(width)}  {cells}".rstrip())
    return "\n".join(lines)


def _cells(contest: Contest, name: str, key: str, measure: Measure) -> tuple[str, str, str]:
    """A policy's mean, its difference with the interval, and the verdict."""
    value = _number(contest.values[name][key], measure.digits)
    if name == contest.baseline:
        return value, "baseline", ""
    found = contest.differences[name][key]
    difference = _number(found.mean, measure.digits, "+")
    if found.bounds is not None:
        low, high = (_number(bound, measure.digits, "+") for bound in found.bounds)
        difference += f" [{low}, {high}]"
    return value, difference, found.verdict(measure.more_is_better)


def _number(value: float, digits: int, sign: str = "") -> str:
    return _NOTHING if np.isnan(value) else f"{value:{sign}.{digits}f}"
