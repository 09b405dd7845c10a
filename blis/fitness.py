"""How good a run is: relative to a baseline on the same requests (the default), or as the original scored it.

Both kinds are used alike: `outcome` keeps what scoring needs of one run, `compare` scores one outcome
against another of the same requests; the baseline against itself scores exactly 0.

Relative (default-problem.md section 2): weighted log ratios to the baseline, minus a price for work left
undone and for tenants sacrificed. +0.10 is about 10 % better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.errors import InputError, check_choice, check_number, unknown_name
from blis.evaluation.raw_metrics import RawMetrics, raw_metrics
from blis.metrics import Metrics
from blis.requests import RequestTable
from blis.results import ResultTable
from blis.scoring import Floats, Outcome, ScoringTable, score_inputs
from blis.slo import SLOClass, check_classes
from blis.yaml_strict import build, check_keys

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


@dataclass(frozen=True)
class FitnessValue:
    """The score of a run, and what it is made of.

    terms: the log ratios `f_ttft` …, before squashing and weights. u: share of the offered work that the run
    left undone; harm: share of requests of tenants that lost most of their good answers, by how much.
    value = sum of w * SQUASH * tanh(term / SQUASH) - UNDONE_PRICE * (u - u_baseline) - (harm - harm_baseline).
    objectives: what a search for compromises makes small, in the order of the fitness's `objectives`; all 0
    for the baseline.
    """

    value: float
    terms: dict[str, float]
    u: float = 0.0
    harm: float = 0.0
    u_baseline: float = 0.0
    harm_baseline: float = 0.0  # what the baseline does to the tenants of the run
    objectives: tuple[float, ...] = ()


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


class OriginalScore(TypedDict):
    """The original's result: the weighted sum and its unweighted components."""

    score: float
    components: dict[str, float]


#: Reference values at which a component is 1/2 (cluster-and-policies.md section 12).
_REFERENCE_REQUESTS_PER_S, _REFERENCE_TOKENS_PER_S, _REFERENCE_LATENCY_US = 100.0, 10_000.0, 1000.0

ORIGINAL_KEYS = (
    "throughput", "tokens_per_sec", "p99_ttft", "p50_ttft", "mean_ttft", "p99_e2e", "p50_e2e", "mean_e2e"
)  # fmt: skip


def parse_weights(text: str) -> dict[str, float]:
    """Weights of the original's fitness from "key:w,key:w"; the last of a repeated key counts, "" gives none.

    Raises InputError for an entry without colon, a weight that is no finite number >= 0, an unknown key.
    """
    weights: dict[str, float] = {}
    for entry in text.split(",") if text else ():
        key, colon, number = entry.partition(":")
        if not colon:
            raise InputError(f"fitness weights: {entry!r} must be key:weight")
        try:
            weights[key.strip()] = float(number)
        except ValueError:
            raise InputError(f"fitness weight {key.strip()!r} must be a number, got {number.strip()!r}") from None
    check_weights(weights)
    return weights


def check_weights(weights: Mapping[str, float]) -> None:
    """Raise InputError for an unknown key and for a weight that is negative or not finite."""
    for key, weight in weights.items():
        if key not in ORIGINAL_KEYS:
            raise unknown_name("fitness key", key, ORIGINAL_KEYS)
        check_number(f"fitness weight {key!r}", weight, 0)


def original_fitness(metrics: Metrics, weights: Mapping[str, float], original_rules: bool = False) -> OriginalScore:
    """The original's fitness: sum of weight x component, each component in [0, 1]; weights need not sum to 1.

    Latency components are multiplied by completed / offered, so that rejecting everything scores 0. With
    `original_rules` they are not, and a run without completions is perfect, as the original has it.
    """
    check_weights(weights)
    return _original_score(metrics.raw, weights, original_rules)


def _original_score(raw: RawMetrics, weights: Mapping[str, float], original_rules: bool) -> OriginalScore:
    served = 1.0 if original_rules else raw.completed / max(raw.offered, 1)
    components = {key: _component(key, raw, served) for key in sorted(weights)}
    return {"score": sum(weights[key] * component for key, component in components.items()), "components": components}


def _component(key: str, raw: RawMetrics, served: float) -> float:
    """One component: rates relative to a reference, latencies relative to 1 ms."""
    if key == "throughput":
        return raw.requests_per_s / (raw.requests_per_s + _REFERENCE_REQUESTS_PER_S)
    if key == "tokens_per_sec":
        return raw.tokens_per_s / (raw.tokens_per_s + _REFERENCE_TOKENS_PER_S)
    statistic, _, latency = key.partition("_")
    ticks: float = getattr(getattr(raw, f"{latency}_us"), statistic)
    return served / (1 + ticks / _REFERENCE_LATENCY_US)


@dataclass(frozen=True)
class OriginalFitness:
    """The original's weighted keys; scored against another run it is the difference of the two scores."""

    weights: dict[str, float]
    original_rules: bool = False

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of what a search for compromises makes small: how much each component loses."""
        return tuple(sorted(self.weights))

    def __post_init__(self) -> None:
        """Check keys and weights."""
        check_weights(self.weights)

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> OriginalScore:
        """The score of one run by itself."""
        return _original_score(raw_metrics(result), self.weights, self.original_rules)

    def compare(self, candidate: OriginalScore, baseline: OriginalScore) -> FitnessValue:
        """How much higher the candidate scores; terms are its components."""
        components, others = candidate["components"], baseline["components"]
        lost = tuple(others[name] - components[name] for name in self.objectives)
        return FitnessValue(candidate["score"] - baseline["score"], components, objectives=lost)

    def compare_resampled(self, candidate: OriginalScore, baseline: OriginalScore, times: NDArray[np.int64]) -> None:
        """No score: what was kept of a run is not by row."""


def make_fitness(mapping: Mapping[str, Any]) -> RelativeFitness | OriginalFitness:
    """The fitness that a mapping of conf/fitness/ describes; `kind` says which. Raises InputError."""
    values = dict(mapping)
    kind = values.pop("kind", "relative")
    check_choice("fitness.kind", kind, ("relative", "original"))
    if kind == "relative":
        return build(RelativeFitness, values, "fitness")
    check_keys(values, ("weights", "original_rules"), "fitness")
    return build(OriginalFitness, values, "fitness")
