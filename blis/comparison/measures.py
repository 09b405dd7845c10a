"""What policies are compared by: one number a run each, computed from rows so that rows can be drawn again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.evaluation.distribution import US_PER_MS, Distribution, Weighted, known, weighted_distribution
from blis.evaluation.fleet import instance_us_of_requests, us_of_requests
from blis.evaluation.gaps import Gaps
from blis.evaluation.ratios import US_PER_S
from blis.evaluation.slo import tpot_us
from blis.tables.records import COMPLETED, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rows:
    """The rows of one run that count, m of them: times in ms, NaN where there is none."""

    ttft_ms: Floats  # [m]
    tpot_ms: Floats  # [m] of completed requests with 2 output tokens or more
    e2e_ms: Floats  # [m]
    in_time: NDArray[np.bool_]  # [m] completed, and the first token came by the `ttft_ms` of its tier
    rejected: NDArray[np.bool_]  # [m]
    unserved: NDArray[np.bool_]  # [m] not completed, for whatever reason
    adapter_waits: Floats  # [m] 1: it waited for its LoRA adapter, 0: that was there, NaN: it is for the base model
    instance_us: Floats  # [m] paid for instances from its arrival until the next one …
    until_next_us: Floats  # [m] … and how long that is
    gaps: Gaps  # between tokens, of the rows before any were drawn again
    places: NDArray[np.int64]  # [m] which of these rows each row is
    span_s: float  # from the first arrival of these rows to the last
    e2e_p99_ms: float  # of the whole run, a warm-up included: how long what happens once is felt; 0 without any

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """These rows, some more often and some not at all."""
        return replace(self, **{name: column[rows] for name, column in vars(self).items() if np.ndim(column)})

    @property
    def gaps_us(self) -> Weighted:
        """The gaps between tokens of the completed requests among these."""
        return self.gaps.counted(np.bincount(self.places[~self.unserved], minlength=len(self.gaps.spans)))

    @cached_property
    def itl(self) -> Distribution:
        """Those gaps in ms."""
        return weighted_distribution(self.gaps_us)


def counted_rows(table: RequestTable) -> slice:
    """The rows that count: all, but for the warm-up of a window of a trace."""
    return slice(*table.scored) if table.scored is not None else slice(0, len(table))


def rows_of(scenario: Scenario, table: RequestTable, result: ResultTable) -> Rows:
    """What comparing needs of a run."""
    rows = counted_rows(table)
    arrival_us, status = result.arrival_us[rows], result.status[rows]
    ttft_us, e2e_us = result.ttft_us[rows], result.e2e_us[rows]
    target_us = np.array([scenario.tier(name).ttft_ms * US_PER_MS for name in table.slo_names])[table.slo_class[rows]]
    done = status == COMPLETED
    paced = done & (table.output_tokens[rows] > 1)
    return Rows(
        ttft_ms=np.where(ttft_us >= 0, ttft_us / US_PER_MS, np.nan),
        tpot_ms=np.where(paced, tpot_us(table, result)[rows] / US_PER_MS, np.nan),
        e2e_ms=np.where(done, e2e_us / US_PER_MS, np.nan),
        in_time=done & (ttft_us >= 0) & (ttft_us <= target_us),
        rejected=status == REJECTED,
        unserved=~done,
        adapter_waits=_adapter_waits(table, result)[rows],
        instance_us=instance_us_of_requests(result)[rows],
        until_next_us=us_of_requests(result)[rows],
        span_s=float(arrival_us.max() - arrival_us[0]) / US_PER_S if len(arrival_us) else 0.0,
        e2e_p99_ms=known(result.e2e_us).p99,
        gaps=Gaps.of(result, np.arange(len(table))[rows], np.zeros(len(status), np.int64), 1),
        places=np.arange(len(status)),
    )


def _adapter_waits(table: RequestTable, result: ResultTable) -> Floats:
    if table.adapter is None or result.adapter_us is None:
        return np.full(len(table), np.nan)
    return np.where(result.adapter_us < 0, np.nan, result.adapter_us > 0)


@dataclass(frozen=True)
class Measure:
    """One number of a run, NaN if there is nothing to measure.

    digits: after the point, when it is shown. rare: it is not shown where there is nothing to measure.
    """

    unit: str
    of: Callable[[Rows], float]
    more_is_better: bool = False
    digits: int = 1
    rare: bool = False


#: In the order in which they are shown.
MEASURES: dict[str, Measure] = {
    "TTFT mean": Measure("ms", lambda rows: _mean(rows.ttft_ms)),
    "TTFT p99": Measure("ms", lambda rows: _p99(rows.ttft_ms)),
    "TPOT mean": Measure("ms", lambda rows: _mean(rows.tpot_ms), digits=2),
    "ITL mean": Measure("ms", lambda rows: _of_gaps(rows, "mean"), digits=2),
    "ITL p99": Measure("ms", lambda rows: _of_gaps(rows, "p99"), digits=2),
    "ITL max": Measure("ms", lambda rows: _of_gaps(rows, "max")),
    "E2E mean": Measure("ms", lambda rows: _mean(rows.e2e_ms)),
    "E2E p99": Measure("ms", lambda rows: _p99(rows.e2e_ms)),
    "in time": Measure("% of offered", lambda rows: _percent(rows.in_time), more_is_better=True, digits=2),
    "goodput": Measure("in time/s", lambda rows: _per_s(rows), more_is_better=True, digits=2),
    "rejected": Measure("% of offered", lambda rows: _percent(rows.rejected), digits=2),
    "not served": Measure("% of offered", lambda rows: _percent(rows.unserved), digits=2),
    "adapter loads": Measure("% of those with one", lambda rows: 100 * _mean(rows.adapter_waits), digits=2, rare=True),
    "instances": Measure("mean", lambda rows: _instances(rows), digits=2),
}


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan


def _p99(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.percentile(known, 99)) if len(known) else np.nan


def _of_gaps(rows: Rows, statistic: str) -> float:
    return float(getattr(rows.itl, statistic)) if rows.itl.count else np.nan


def _percent(chosen: NDArray[np.bool_]) -> float:
    return 100 * float(chosen.mean()) if len(chosen) else np.nan


def _instances(rows: Rows) -> float:
    whole_us = float(rows.until_next_us.sum())
    return float(rows.instance_us.sum()) / whole_us if whole_us else np.nan


def _per_s(rows: Rows) -> float:
    return float(np.count_nonzero(rows.in_time)) / rows.span_s if rows.span_s else np.nan
