"""How much better than a baseline on the same requests: the default (default-problem.md section 2).

Weighted log ratios to the baseline (terms.py), minus a price for work left undone and for tenants sacrificed: +0.10 is
about 10 % better, and the baseline against itself scores exactly 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_WEIGHT, Scenario
from blis.errors import check_number
from blis.evaluation.slo import SLOClass, normalised, with_shares
from blis.fitness.by_blocks import BY_BLOCKS, Draws, PairByBlocks
from blis.fitness.outcome import Floats, Outcome, ScoringTable, score_inputs
from blis.fitness.terms import TERMS, Pair
from blis.fitness.value import FitnessValue
from blis.sums import total
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable

#: [draws, blocks] how often each block counts -> [draws] the score of each draw.
Scores = Callable[[NDArray[np.int64]], Floats]

SQUASH = 1.5  # a term saturates here
UNDONE_PRICE = 3.0

#: Names of the relative fitness's objectives: log ratios to the baseline of the tail of TTFT, of TPOT and of
#: the inverse of goodput, and how much more of the offered work is left undone.
RELATIVE_OBJECTIVES = ("tail", "tpot", "goodput", "undone")


def complete_weights(given: Mapping[str, float]) -> dict[str, float]:
    """A weight for every term; they are made to sum to 1, so that +0.10 means "10 % better".

    Raises InputError for an unknown term, for a weight that is negative or not finite, and if all are 0.
    """
    for name, weight in given.items():
        check_number(f"fitness weight {name}", weight, 0, MAX_WEIGHT)
        TERMS[name]
    weights = {name: float(given.get(name, one.weight)) for name, one in TERMS.items()}
    return normalised(weights, "fitness weights")


def relative_fitness(x: Outcome, b: Outcome, weights: Mapping[str, float]) -> FitnessValue:
    """The score of run `x` against run `b` of the same requests; 0 for b itself, its negative if exchanged.

    A latency of 0 gives a term that is not finite: no score.
    """
    with np.errstate(invalid="ignore"):
        pair = Pair(x, b)
        terms = {name: TERMS[name].of(pair) for name in weights}
    harm, harm_baseline = _harm(x, b), _harm(b, x)
    gain = total(weight * squash(terms[name]) for name, weight in weights.items())
    undone = x.undone - b.undone
    value = gain - UNDONE_PRICE * undone - (harm - harm_baseline)
    objectives = (-terms["tail"], -terms["tpot"], -terms["goodput"], undone)
    columns = {f"f_{name}": found for name, found in terms.items()}
    return FitnessValue(value, columns, x.undone, harm, b.undone, harm_baseline, objectives)


def squash(term: float) -> float:
    """A term as it enters the score: itself while small, never beyond SQUASH."""
    return float(SQUASH * np.tanh(term / SQUASH))


def _drawn_fitness(draws: Draws, weights: Mapping[str, float]) -> Floats:
    """[n] the score of each draw of blocks, not a number of one without rows."""
    x, b = draws.pair.x, draws.pair.b
    value = np.where(draws.empty, np.nan, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, weight in weights.items():
            value += weight * SQUASH * np.tanh(BY_BLOCKS[name](draws) / SQUASH)
        value -= UNDONE_PRICE * (draws.undone(x) - draws.undone(b))
        value -= draws.harm(x, b) - draws.harm(b, x)
    return value


def _harm(x: Outcome, b: Outcome) -> float:
    """Share of scored requests of tenants that lose more than half of their good answers from b to x."""
    lost = np.maximum(0.0, 1 - 2 * (x.good_by_tenant + 0.5) / (b.good_by_tenant + 0.5))
    return float(np.dot(x.scoring.offered, lost) / x.scoring.offered.sum())


@dataclass(frozen=True)
class RelativeFitness:
    """The default: how much better than the baseline. Thread-safe; plain data."""

    classes: tuple[SLOClass, ...]
    weights: dict[str, float] = field(default_factory=dict)  # by term; those left out have the term's own

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of what a score is made of, a column each."""
        return tuple(f"f_{name}" for name in self.weights)

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of what a search for compromises makes small."""
        return RELATIVE_OBJECTIVES

    @property
    def counts_cost(self) -> bool:
        """Whether fewer instances score better."""
        return self.weights["cost"] > 0

    def __post_init__(self) -> None:
        """Complete the weights; those of terms and those of classes become shares."""
        object.__setattr__(self, "weights", complete_weights(self.weights))
        object.__setattr__(self, "classes", with_shares(self.classes))

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> Outcome:
        """What scoring needs of one run. Raises InputError for a class of the table without targets."""
        keeps = {name: TERMS[name].keep for name in self.weights}
        return score_inputs(self._prepared(table), result, {name: keep for name, keep in keeps.items() if keep})

    def good_share(self, outcome: Outcome) -> float:
        """Share of the scored requests that met every SLO."""
        return float(outcome.good.mean())

    def compare(self, candidate: Outcome, baseline: Outcome) -> FitnessValue:
        """The score of one outcome against another of the same requests."""
        return relative_fitness(candidate, baseline, self.weights)

    def compare_resampled(self, candidate: Outcome, baseline: Outcome, times: NDArray[np.int64]) -> float:
        """The score on the same requests with every scored row as often as `times` says, in the table's order."""
        drawn = candidate.scoring.resampled(times)
        return relative_fitness(candidate.resampled(*drawn), baseline.resampled(*drawn), self.weights).value

    def by_blocks(self, candidate: Outcome, baseline: Outcome, of_row: NDArray[np.int64]) -> Scores | None:
        """The same of many draws of blocks at once; None if a term is known by requests alone.

        of_row: the block of each scored row, in the table's order.
        """
        if not self.weights.keys() <= BY_BLOCKS.keys():
            return None
        pair = PairByBlocks(candidate, baseline, of_row)
        return lambda times: _drawn_fitness(Draws(pair, times), self.weights)

    def _prepared(self, table: RequestTable) -> ScoringTable:
        """The scoring table, made once a request table: all candidates share it."""
        key = f"scoring {self.classes}"
        if key not in table.cache:
            table.cache[key] = ScoringTable.of(table, self.classes)
        prepared = table.cache[key]
        assert isinstance(prepared, ScoringTable)
        return prepared
