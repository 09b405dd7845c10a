"""How much better than a baseline on the same requests: the default (default-problem.md section 2).

Weighted log ratios to the baseline, minus a price for work left undone and for tenants sacrificed: +0.10 is about
10 % better, and the baseline against itself scores exactly 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.errors import check_number
from blis.evaluation.slo import SLOClass, check_classes
from blis.fitness.outcome import Floats, Outcome, ScoringTable, score_inputs
from blis.fitness.value import FitnessValue
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

SQUASH = 1.5  # a term saturates here
UNDONE_PRICE = 3.0
TAIL_SHARE = 0.05

#: Names of the relative fitness's objectives: log ratios to the baseline of the tail of TTFT, of TPOT and of
#: the inverse of goodput, and how much more of the offered work is left undone.
RELATIVE_OBJECTIVES = ("tail", "tpot", "goodput", "undone")


@dataclass(frozen=True)
class RelativeWeights:
    """Weights of the terms; +0.10 means "10 % better" as long as they sum to 1."""

    ttft: float = 0.15
    tail: float = 0.25
    tpot: float = 0.15
    e2e: float = 0.15
    goodput: float = 0.25
    fairness: float = 0.05
    cost: float = 0.0

    def __post_init__(self) -> None:
        """Check that none is negative."""
        for name, weight in asdict(self).items():
            check_number(f"fitness weight {name}", weight, 0)


def relative_fitness(x: Outcome, b: Outcome, weights: RelativeWeights | None = None) -> FitnessValue:
    """The score of run `x` against run `b` of the same requests; 0 for b itself, its negative if exchanged.

    A latency of 0 gives a term that is not finite: no score.
    """
    weights = weights or RelativeWeights()
    with np.errstate(invalid="ignore"):
        terms = _latency_terms(x, b)
    terms["f_goodput"] = float(
        np.dot(x.scoring.class_weights, np.log(x.good_by_class + 0.5) - np.log(b.good_by_class + 0.5))
    )
    terms["f_fairness"] = float(np.log(x.fairness) - np.log(b.fairness))
    terms["f_cost"] = float(np.log(b.instances) - np.log(x.instances))
    harm, harm_baseline = _harm(x, b), _harm(b, x)
    gain = sum(weight * squash(terms[f"f_{name}"]) for name, weight in vars(weights).items())
    undone = x.undone - b.undone
    value = gain - UNDONE_PRICE * undone - (harm - harm_baseline)
    objectives = (-terms["f_tail"], -terms["f_tpot"], -terms["f_goodput"], undone)
    return FitnessValue(value, terms, x.undone, harm, b.undone, harm_baseline, objectives)


def squash(term: float) -> float:
    """A term as it enters the score: itself while small, never beyond SQUASH."""
    return float(SQUASH * np.tanh(term / SQUASH))


def worst_mean(values: Floats) -> float:
    """The mean of the largest 5 % of at least one value: 0.05 n of them, at least one, the last one in part."""
    count = max(TAIL_SHARE * len(values), 1.0)
    whole = int(count)
    needed = min(whole + 1, len(values))
    largest = np.sort(np.partition(values, -needed)[-needed:])[::-1]
    part = (count - whole) * largest[whole] if count > whole else 0.0
    return float((largest[:whole].sum() + part) / count)


def _latency_terms(x: Outcome, b: Outcome) -> dict[str, float]:
    """Terms over requests that completed in both runs, by class. Few of them in a class count less."""
    terms = {"f_ttft": 0.0, "f_tail": 0.0, "f_tpot": 0.0, "f_e2e": 0.0}
    both = x.completed & b.completed
    several = both & (x.scoring.later_tokens > 0)
    for rows, weight in zip(x.scoring.classes, x.scoring.class_weights, strict=True):
        chosen, paced = both[rows], several[rows]
        share, share_paced = weight * _confidence(chosen), weight * _confidence(paced)
        if share > 0:
            terms["f_ttft"] += share * float(np.mean((b.log_ttft[rows] - x.log_ttft[rows])[chosen]))
            terms["f_e2e"] += share * float(np.mean((b.log_e2e[rows] - x.log_e2e[rows])[chosen]))
            worst_b, worst_x = worst_mean(b.ttft_us[rows][chosen]), worst_mean(x.ttft_us[rows][chosen])
            terms["f_tail"] += share * float(np.log(worst_b) - np.log(worst_x))
        if share_paced > 0:
            terms["f_tpot"] += share_paced * float(np.mean((b.log_tpot[rows] - x.log_tpot[rows])[paced]))
    return terms


def _confidence(chosen: NDArray[np.bool_]) -> float:
    """0 up to 10 requests, 1 from 20 on: no jump when a class loses its last common request."""
    return min(max((int(np.count_nonzero(chosen)) - 10) / 10, 0.0), 1.0)


def _harm(x: Outcome, b: Outcome) -> float:
    """Share of scored requests of tenants that lose more than half of their good answers from b to x."""
    lost = np.maximum(0.0, 1 - 2 * (x.good_by_tenant + 0.5) / (b.good_by_tenant + 0.5))
    return float(np.dot(x.scoring.offered, lost) / x.scoring.offered.sum())


@dataclass(frozen=True)
class RelativeFitness:
    """The default: how much better than the baseline. Thread-safe; plain data."""

    classes: tuple[SLOClass, ...]
    weights: RelativeWeights = field(default_factory=RelativeWeights)

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of what a score is made of, a column each."""
        return tuple(f"f_{name}" for name in vars(self.weights))

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of what a search for compromises makes small."""
        return RELATIVE_OBJECTIVES

    def __post_init__(self) -> None:
        """Check the classes."""
        check_classes(self.classes)

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> Outcome:
        """What scoring needs of one run. Raises InputError for a class of the table without targets."""
        return score_inputs(self._prepared(table), result)

    def compare(self, candidate: Outcome, baseline: Outcome) -> FitnessValue:
        """The score of one outcome against another of the same requests."""
        return relative_fitness(candidate, baseline, self.weights)

    def compare_resampled(self, candidate: Outcome, baseline: Outcome, times: NDArray[np.int64]) -> float:
        """The score on the same requests with every scored row as often as `times` says, in the table's order."""
        drawn = candidate.scoring.resampled(times)
        return relative_fitness(candidate.resampled(*drawn), baseline.resampled(*drawn), self.weights).value

    def _prepared(self, table: RequestTable) -> ScoringTable:
        """The scoring table, made once a request table: all candidates share it."""
        key = f"scoring {self.classes}"
        if key not in table.cache:
            table.cache[key] = ScoringTable.of(table, self.classes)
        prepared = table.cache[key]
        assert isinstance(prepared, ScoringTable)
        return prepared
