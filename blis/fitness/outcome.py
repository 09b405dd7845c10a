"""What scoring needs of a request table and of a run of it: the scored rows, grouped by class.

Rows can be drawn again, some more often and some not at all, as a bootstrap does.
Source: default-problem.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.gaps import Gaps
from blis.evaluation.ratios import jain_index
from blis.evaluation.slo import ITL_PERCENT, SLOClass, class_targets
from blis.fitness.term_kernels import worst_means
from blis.sums import total
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

CAP = 10.0  # latencies count up to so many times their target
TAIL_SHARE = 0.05  # of what is worst
OUTPUT_TOKEN_WORK = 4  # work of an output token in input tokens

Floats = NDArray[np.float64]
#: What a fitness term wants to know of every request of a run, [n].
Keep = Callable[[ResultTable], Floats]


@dataclass(frozen=True)
class ScoringTable:
    """What scoring needs of a request table: its scored rows, grouped by class.

    m scored rows, K declared classes, T tenants that have one.
    """

    rows: NDArray[np.int64]  # [m] rows of the table
    classes: tuple[slice, ...]  # [K] where each class stands
    class_weights: tuple[float, ...]  # [K]
    ttft_target_us: Floats  # [m]
    tpot_target_us: Floats  # [m]
    e2e_target_us: Floats  # [m]
    itl_p99_target_us: Floats  # [m] infinite where there is none
    itl_cap_us: NDArray[np.int64]  # [K] gaps count up to this
    has_output: NDArray[np.bool_]  # [m]
    later_tokens: Floats  # [m] output tokens after the first
    work: Floats  # [m] input + 4 x output tokens
    group: NDArray[np.int64]  # [m] number of the class
    tenant: NDArray[np.int64]  # [m] 0 ... T - 1
    offered: NDArray[np.int64]  # [T] scored rows of each tenant

    @classmethod
    def of(cls, table: RequestTable, slo: Sequence[SLOClass]) -> ScoringTable:
        """Prepare a table. Raises InputError for a class without targets."""
        targets = class_targets(table, slo)
        scored = np.arange(len(table))[table.scored_rows]
        rows = scored[np.argsort(targets.declared[scored], kind="stable")]
        ends = np.cumsum(np.bincount(targets.declared[rows], minlength=len(slo))).tolist()
        later_tokens = np.maximum(table.output_tokens[rows] - 1, 0).astype(np.float64)
        ttft_us, tpot_us = targets.ttft_us[rows], targets.tpot_us[rows]
        itl_us = [3 * declared.tpot_us if declared.itl_p99_us is None else declared.itl_p99_us for declared in slo]
        _, tenant = np.unique(table.tenant[rows], return_inverse=True)
        return cls(
            rows=rows,
            classes=tuple(slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)),
            class_weights=tuple(declared.weight for declared in slo),
            ttft_target_us=ttft_us,
            tpot_target_us=tpot_us,
            e2e_target_us=ttft_us + later_tokens * tpot_us,
            itl_p99_target_us=targets.itl_p99_us[rows],
            itl_cap_us=(CAP * np.array(itl_us)).astype(np.int64),
            has_output=table.output_tokens[rows] > 0,
            later_tokens=later_tokens,
            work=(table.input_tokens[rows] + OUTPUT_TOKEN_WORK * table.output_tokens[rows]).astype(np.float64),
            group=targets.declared[rows],
            tenant=tenant,
            offered=np.bincount(tenant),
        )

    def resampled(self, times: NDArray[np.int64]) -> tuple[ScoringTable, NDArray[np.int64]]:
        """The same with every scored row as often as `times` says, and the place here of each of its rows.

        times: [m] in the order of the table.
        """
        repeats = times[self.rows - self.rows.min()]  # scored rows are consecutive
        places = np.repeat(np.arange(len(repeats)), repeats)
        ends = [int(repeats[: rows.stop].sum()) for rows in self.classes]
        offered = np.bincount(self.tenant[places], minlength=len(self.offered))
        present = offered > 0
        drawn = replace(
            self,
            classes=tuple(slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)),
            tenant=(np.cumsum(present) - 1)[self.tenant[places]],
            offered=offered[present],
            **{name: getattr(self, name)[places] for name in _BY_ROW},
        )
        return drawn, places


#: Columns of a scoring table that stay as they are when rows are drawn again.
_BY_ROW = (
    "rows", "ttft_target_us", "tpot_target_us", "e2e_target_us", "itl_p99_target_us",
    "has_output", "later_tokens", "work", "group",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What scoring needs of one run, over the scored rows. Latencies count where `completed`, TTFT with an output."""

    scoring: ScoringTable
    completed: NDArray[np.bool_]  # [m]
    good: NDArray[np.bool_]  # [m] met every SLO
    ttft_us: Floats  # [m] capped
    log_ttft: Floats  # [m] of the capped latency
    log_tpot: Floats  # [m] of the capped latency; means nothing for a single output token
    log_e2e: Floats  # [m] of the capped latency
    good_by_class: NDArray[np.int64]  # [K] requests that met every SLO
    good_by_tenant: NDArray[np.int64]  # [T]
    undone: float  # share of the offered work, by class
    fairness: float  # Jain index
    gaps: Gaps  # between tokens, of the scored rows before any were drawn again, in groups by class
    places: NDArray[np.int64]  # [m] which of these rows each row is
    kept: Mapping[str, Floats]  # [m] what fitness terms asked for, by their names

    @classmethod
    def of(
        cls,
        scoring: ScoringTable,
        completed: NDArray[np.bool_],
        good: NDArray[np.bool_],
        latencies: tuple[Floats, Floats, Floats, Floats],
        gaps: Gaps,
        places: NDArray[np.int64],
        kept: Mapping[str, Floats],
    ) -> Outcome:
        """An outcome from what is known of each row. latencies: `ttft_us`, `log_ttft`, `log_tpot`, `log_e2e`."""
        good_by_tenant = np.bincount(scoring.tenant[good], minlength=len(scoring.offered))
        return cls(
            scoring,
            completed,
            good,
            *latencies,
            good_by_class=np.array([np.count_nonzero(good[rows_k]) for rows_k in scoring.classes]),
            good_by_tenant=good_by_tenant,
            undone=_undone(scoring, completed),
            fairness=jain_index((good_by_tenant + 0.5) / (scoring.offered + 1)),
            gaps=gaps,
            places=places,
            kept=kept,
        )

    def resampled(self, scoring: ScoringTable, places: NDArray[np.int64]) -> Outcome:
        """The outcome over rows drawn again, as `ScoringTable.resampled` gave them."""
        latencies = (self.ttft_us[places], self.log_ttft[places], self.log_tpot[places], self.log_e2e[places])
        kept = {name: values[places] for name, values in self.kept.items()}
        drawn = (self.completed[places], self.good[places], latencies)
        return Outcome.of(scoring, *drawn, self.gaps, self.places[places], kept)

    def worst_ttft_us(self, chosen: NDArray[np.bool_]) -> Floats:
        """[K] the mean of the longest 5 % of the TTFT of the chosen rows of each class, capped; 0 without any."""
        if np.array_equal(chosen, self.answered):  # nearly always, and of a baseline every time the same
            return self._worst_ttft_us
        return self._worst_ttft_of(chosen)

    def worst_gaps_us(self, chosen: NDArray[np.bool_]) -> Floats:
        """[K] the mean of the worst 5 % of the gaps of the chosen rows of each class, capped; 0 without any."""
        if np.array_equal(chosen, self.paced):
            return self._worst_gaps_us
        return self._worst_gaps_of(chosen)

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """[m] completed, with a first token."""
        return self.completed & self.scoring.has_output

    @cached_property
    def paced(self) -> NDArray[np.bool_]:
        """[m] completed, with a token after the first."""
        return self.completed & (self.scoring.later_tokens > 0)

    @cached_property
    def _worst_ttft_us(self) -> Floats:
        return self._worst_ttft_of(self.answered)

    def _worst_ttft_of(self, chosen: NDArray[np.bool_]) -> Floats:
        ends, found = np.array([rows.stop for rows in self.scoring.classes]), np.empty(len(self.scoring.classes))
        worst_means(ends, chosen, self.ttft_us, TAIL_SHARE, np.empty(len(chosen)), found)
        return found

    @cached_property
    def _worst_gaps_us(self) -> Floats:
        return self._worst_gaps_of(self.paced)

    def _worst_gaps_of(self, chosen: NDArray[np.bool_]) -> Floats:
        times = np.bincount(self.places[chosen], minlength=len(self.gaps.spans))
        return self.gaps.worst_means_us(times, self.scoring.itl_cap_us, TAIL_SHARE)


def score_inputs(scoring: ScoringTable, result: ResultTable, keeps: Mapping[str, Keep]) -> Outcome:
    """Reduce a run to its outcome. keeps: what fitness terms want to know of every request."""
    rows = scoring.rows
    completed = result.status[rows] == COMPLETED
    answered = completed & scoring.has_output
    ttft_us = np.where(answered, result.ttft_us[rows], scoring.ttft_target_us)
    e2e_us = np.where(completed, result.e2e_us[rows], scoring.e2e_target_us)
    tpot_us = scoring.tpot_target_us.copy()  # of a single token: just met, and else never read
    np.divide(e2e_us - ttft_us, scoring.later_tokens, out=tpot_us, where=scoring.later_tokens > 0)
    good = answered & (ttft_us <= scoring.ttft_target_us) & (tpot_us <= scoring.tpot_target_us)
    gaps = Gaps.of(result, rows, scoring.group, len(scoring.classes))
    if np.isfinite(scoring.itl_p99_target_us).any():
        good &= gaps.percentiles_us(ITL_PERCENT) <= scoring.itl_p99_target_us
    capped_ttft_us = np.minimum(ttft_us, CAP * scoring.ttft_target_us)
    with np.errstate(divide="ignore"):  # a latency of 0 makes its term infinite, and the caller sees that
        latencies = (
            capped_ttft_us,
            np.log(capped_ttft_us),
            np.log(np.minimum(tpot_us, CAP * scoring.tpot_target_us)),
            np.log(np.minimum(e2e_us, CAP * scoring.e2e_target_us)),
        )
    kept = {name: keep(result)[rows] for name, keep in keeps.items()}
    return Outcome.of(scoring, completed, good, latencies, gaps, np.arange(len(rows)), kept)


def _undone(scoring: ScoringTable, completed: NDArray[np.bool_]) -> float:
    """The share of the offered work that was not completed, weighted over classes."""
    lost = np.where(completed, 0.0, scoring.work)
    return total(
        weight * float(lost[rows].sum() / scoring.work[rows].sum())
        for rows, weight in zip(scoring.classes, scoring.class_weights, strict=True)
        if rows.stop > rows.start
    )
