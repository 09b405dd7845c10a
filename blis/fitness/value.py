"""`FitnessValue`: the score of a run against another, whatever kind of fitness gave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FitnessValue:
    """The score of a run, and what it is made of.

    terms: the log ratios `f_ttft` …, before squashing and weights. undone: share of the offered work that a run
    left undone; harm: share of requests of tenants that lost most of their good answers, by how much.
    value = sum of w * SQUASH * tanh(term / SQUASH)
    - UNDONE_PRICE * (undone - undone_baseline) - (harm - harm_baseline).
    objectives: what a search for compromises makes small, in the order of the fitness's `objectives`; all 0
    for the baseline.
    """

    value: float
    terms: dict[str, float]
    undone: float = 0.0
    harm: float = 0.0
    undone_baseline: float = 0.0
    harm_baseline: float = 0.0  # what the baseline does to the tenants of the run
    objectives: tuple[float, ...] = ()
