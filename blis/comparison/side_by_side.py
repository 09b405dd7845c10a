"""Policies on the same requests: paired differences to a baseline, and how sure they are.

On several drawn tables: Student's paired t interval over tables. On one table, which is one sample: a bootstrap
over blocks of its time, as a search judges a policy on a trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.comparison.blocks import Blocks, Scores, time_blocks, too_short
from blis.comparison.measures import MEASURES, Rows, counted_rows
from blis.comparison.statistics import paired_t_interval
from blis.tables.requests import RequestTable


@dataclass(frozen=True)
class Difference:
    """A policy's mean of one measure minus the baseline's; NaN if it cannot be had. bounds: 95 %, None if unknown."""

    mean: float
    bounds: tuple[float, float] | None

    def verdict(self, more_is_better: bool) -> str:
        """What the interval proves, in one word."""
        if self.bounds is None:
            return ""
        if self.bounds[0] <= 0 <= self.bounds[1]:
            return "same" if self.bounds == (0.0, 0.0) else "unproved"
        return "better" if (self.bounds[0] > 0) == more_is_better else "worse"


@dataclass(frozen=True)
class SideBySide:
    """values: policy -> measure -> mean over tables. differences: the same of all but the baseline."""

    baseline: str
    method: str  # where the intervals come from, or why there are none
    values: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Mapping[str, Difference]]


def compare_policies(
    outcomes: Mapping[str, Sequence[Rows]], tables: Sequence[RequestTable], baseline: str, seed: int = 0
) -> SideBySide:
    """Compare. outcomes: policy -> what it did on each table. seed: of the bootstrap."""
    by_table = {
        name: {key: np.array([measure.of(rows) for rows in found]) for key, measure in MEASURES.items()}
        for name, found in outcomes.items()
    }
    others = [name for name in outcomes if name != baseline]
    if len(tables) > 1:
        method = f"95 % paired t over {len(tables)} tables"
        differences = {
            name: {key: _paired(by_table[name][key] - by_table[baseline][key]) for key in MEASURES} for name in others
        }
    else:
        single = {name: found[0] for name, found in outcomes.items()}
        method, differences = _over_blocks(single, tables[0], baseline, seed)
    values = {name: {key: float(found[key].mean()) for key in MEASURES} for name, found in by_table.items()}
    return SideBySide(baseline, method, values, differences)


def _paired(differences: NDArray[np.float64]) -> Difference:
    mean = float(differences.mean())
    return Difference(mean, paired_t_interval(differences) if np.isfinite(mean) else None)


def _over_blocks(
    outcomes: Mapping[str, Rows], table: RequestTable, baseline: str, seed: int
) -> tuple[str, dict[str, dict[str, Difference]]]:
    """How intervals on one table come about, and the differences; each pair of policies has its own blocks."""
    arrival_us, base = table.soonest_us[counted_rows(table)], outcomes[baseline]
    others = {name: rows for name, rows in outcomes.items() if name != baseline}
    slowest_us = {name: max(rows.e2e_p99_ms, base.e2e_p99_ms) * 1000 for name, rows in others.items()}
    blocks = {name: time_blocks(arrival_us, slowest_us[name]) for name in others}
    without = f"no intervals: one table is {too_short(arrival_us, max(slowest_us.values(), default=0.0))}"
    differences = {name: _resampled(rows, base, blocks[name], seed) for name, rows in others.items()}
    return _blocks_method(blocks) or without, differences


def _blocks_method(blocks: Mapping[str, Blocks | None]) -> str:
    """How the intervals of each policy come about, empty if none has any."""
    counts = {found.count for found in blocks.values() if found is not None}
    if not counts:
        return ""
    number = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    without = [name for name, found in blocks.items() if found is None]
    excepted = f", too few for {', '.join(without)}" if without else ""
    return f"95 % BCa bootstrap over {number} blocks of time of one table{excepted}"


def _resampled(x: Rows, b: Rows, blocks: Blocks | None, seed: int) -> dict[str, Difference]:
    """By measure the difference on one table, with its interval if there are blocks."""
    means = _measured(x) - _measured(b)
    draws = None if blocks is None else _Draws(x, b, blocks)
    found = {}
    for place, (key, mean) in enumerate(zip(MEASURES, means.tolist(), strict=True)):
        known = None if draws is None or not np.isfinite(mean) else draws.blocks.interval(draws.of(place), seed)
        found[key] = Difference(mean, known and (known.low, known.high))
    return found


class _Draws:
    """Two policies over draws of blocks. All measures are asked for the same draws: each is looked at once."""

    def __init__(self, x: Rows, b: Rows, blocks: Blocks) -> None:
        """Nothing is drawn yet."""
        self._x, self._b, self.blocks = x, b, blocks
        self._known: dict[bytes, NDArray[np.float64]] = {}  # [draws, measures] by the draws

    def of(self, place: int) -> Scores:
        """The differences in one measure."""

        def scores(times: NDArray[np.int64]) -> NDArray[np.float64]:
            key = times.tobytes()
            if key not in self._known:
                self._known[key] = np.array([self._difference(drawn) for drawn in times])
            return self._known[key][:, place]

        return scores

    def _difference(self, drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        rows = np.repeat(np.arange(len(self.blocks.of_row)), drawn[self.blocks.of_row])
        return _measured(self._x.take(rows)) - _measured(self._b.take(rows))


def _measured(rows: Rows) -> NDArray[np.float64]:
    """All measures."""
    return np.array([measure.of(rows) for measure in MEASURES.values()])
