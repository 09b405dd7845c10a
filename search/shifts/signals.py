"""Signals of another age: what the gateway reads of its instances is live, or seconds old."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import partial

from blis.config import Scenario, Signal, Signals
from search.problem.problem import Problem

AGES_S = (0, 1, 5)


def with_signals(scenario: Scenario, age_us: int) -> Scenario:
    """The scenario with all signals as old, read on one grid; a lazily refreshed snapshot becomes one of them."""
    signals = Signals(**{field.name: Signal(age_us) for field in fields(Signals)})
    routing = replace(scenario.cluster.routing, signals=signals, snapshot_refresh_us=0)
    return replace(scenario, cluster=replace(scenario.cluster, routing=routing))


def at_age(problem: Problem, age_s: int) -> Problem:
    """The problem with signals of that age."""
    return problem.under(partial(with_signals, age_us=age_s * 1_000_000))


SHIFTS = {f"signals {age_s} s old": partial(at_age, age_s=age_s) for age_s in AGES_S}
