"""Step times as they could as well be: members of an ensemble of the latency model, as far apart as it may be off."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from blis.config import LatencyModel, Scenario
from blis.scenario import member_scenario
from search.problem.problem import Problem

MEMBERS = 4


def member(scenario: Scenario, number: int) -> Scenario:
    """The scenario with one member of each latency model's ensemble of MEMBERS, whatever it had before."""
    instance = replace(scenario.instance, latency_model=_ensemble(scenario.instance.latency_model))
    pools = [
        pool if pool.latency_model is None else replace(pool, latency_model=_ensemble(pool.latency_model))
        for pool in scenario.pools
    ]
    return member_scenario(replace(scenario, instance=instance, pools=tuple(pools)), number)


def with_member(problem: Problem, number: int) -> Problem:
    """The problem with the step times of one member."""
    return problem.under(partial(member, number=number))


def _ensemble(model: LatencyModel) -> LatencyModel:
    """The model with members."""
    return replace(model, ensemble=MEMBERS)


SHIFTS = {
    f"step times of member {number + 1} of {MEMBERS}": partial(with_member, number=number) for number in range(MEMBERS)
}
