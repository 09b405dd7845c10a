"""Policies on the same requests: paired differences to a baseline, and how sure they are.

On several drawn tables: Student's paired t interval over tables. On one table, which is one sample: a bootstrap
over blocks of its time, in which all policies meet the same blocks (default-problem.md section 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.comparison.measures import MEASURES, Measure, Rows, counted_rows
from blis.comparison.statistics import block_interval, paired_t_interval
from blis.tables.requests import RequestTable
from blis.workload.windows import BLOCK_PER_E2E, MIN_BLOCKS, block_length_us, time_blocks

MOST_BLOCKS = 200  # more and shorter ones cost time and change little


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
        blocks, method = _time_blocks(tables[0], single)
        differences = {
            name: {
                key: _resampled(measure, single[name], single[baseline], blocks, seed)
                for key, measure in MEASURES.items()
            }
            for name in others
        }
    values = {name: {key: float(found[key].mean()) for key in MEASURES} for name, found in by_table.items()}
    return SideBySide(baseline, method, values, differences)


def _paired(differences: NDArray[np.float64]) -> Difference:
    mean = float(differences.mean())
    return Difference(mean, paired_t_interval(differences) if np.isfinite(mean) else None)


def _time_blocks(table: RequestTable, outcomes: Mapping[str, Rows]) -> tuple[NDArray[np.int64] | None, str]:
    """[m] the block of time of every row that counts, None if the table is too short; and how to call that."""
    arrival_us = table.arrival_us[counted_rows(table)]
    p99_us = max(_longest_us(rows) for rows in outcomes.values())
    if p99_us == 0:
        return None, "no intervals: nobody completed a request"
    span_us = int(arrival_us[-1] - arrival_us[0]) + 1 if len(arrival_us) else 0
    block_us = block_length_us(span_us, p99_us)
    if block_us is None:
        needed_s = MIN_BLOCKS * BLOCK_PER_E2E * p99_us / 1e6
        return None, (
            f"no intervals: one table of {span_us / 1e6:.0f} s is too short, "
            f"{MIN_BLOCKS} blocks of {BLOCK_PER_E2E} × E2E p99 take {needed_s:.0f} s"
        )
    blocks = time_blocks(arrival_us, max(block_us, span_us // MOST_BLOCKS))
    return blocks, f"95 % BCa bootstrap over {int(blocks[-1]) + 1} blocks of time of one table"


def _longest_us(rows: Rows) -> float:
    """The 99th percentile of E2E, 0 without one."""
    return float(np.nan_to_num(MEASURES["E2E p99"].of(rows))) * 1000


def _resampled(measure: Measure, x: Rows, b: Rows, blocks: NDArray[np.int64] | None, seed: int) -> Difference:
    """The difference on one table, with its interval if it has blocks."""
    mean = measure.of(x) - measure.of(b)
    if blocks is None or not np.isfinite(mean):
        return Difference(mean, None)

    def difference(times: NDArray[np.int64]) -> float:
        drawn = np.repeat(np.arange(len(blocks)), times[blocks])
        return measure.of(x.take(drawn)) - measure.of(b.take(drawn))

    low, high = block_interval(difference, int(blocks[-1]) + 1, seed)
    return Difference(mean, (low, high) if np.isfinite(low) and np.isfinite(high) else None)
