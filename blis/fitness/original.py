"""As the original scored a run: weighted components, each in [0, 1] (cluster-and-policies.md section 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from blis.config import MAX_WEIGHT, Scenario
from blis.errors import InputError, check_number, unknown_name
from blis.evaluation.metrics import Metrics
from blis.evaluation.raw_metrics import RawMetrics, raw_metrics
from blis.fitness.value import FitnessValue
from blis.numerals import read_number
from blis.sums import total
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable


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
            weights[key.strip()] = read_number(number.strip())
        except ValueError:
            raise InputError(f"fitness weight {key.strip()!r} must be a number, got {number.strip()!r}") from None
    check_weights(weights)
    return weights


def check_weights(weights: Mapping[str, float]) -> None:
    """Raise InputError for an unknown key and for a weight that is negative or not finite."""
    for key, weight in weights.items():
        if key not in ORIGINAL_KEYS:
            raise unknown_name("fitness key", key, ORIGINAL_KEYS)
        check_number(f"fitness weight {key!r}", weight, 0, MAX_WEIGHT)


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
    score = total(weights[key] * component for key, component in components.items())
    return {"score": score, "components": components}


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
    def terms(self) -> tuple[str, ...]:
        """The names of the components, a column each."""
        return tuple(sorted(self.weights))

    @property
    def objectives(self) -> tuple[str, ...]:
        """The names of what a search for compromises makes small: how much each component loses."""
        return self.terms

    @property
    def counts_cost(self) -> bool:
        """No component is a cost."""
        return False

    def __post_init__(self) -> None:
        """Check keys and weights."""
        check_weights(self.weights)

    def outcome(self, scenario: Scenario, table: RequestTable, result: ResultTable) -> OriginalScore:
        """The score of one run by itself."""
        return _original_score(raw_metrics(result), self.weights, self.original_rules)

    def good_share(self, outcome: OriginalScore) -> None:
        """There are no SLOs."""

    def compare(self, candidate: OriginalScore, baseline: OriginalScore) -> FitnessValue:
        """How much higher the candidate scores; terms are its components."""
        components, others = candidate["components"], baseline["components"]
        lost = tuple(others[name] - components[name] for name in self.objectives)
        return FitnessValue(candidate["score"] - baseline["score"], components, objectives=lost)

    def compare_resampled(self, candidate: OriginalScore, baseline: OriginalScore, times: NDArray[np.int64]) -> None:
        """No score: what was kept of a run is not by row."""
