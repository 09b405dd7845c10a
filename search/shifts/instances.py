"""A cluster that has lost an instance."""

from __future__ import annotations

from dataclasses import replace

from blis.config import Scenario
from blis.errors import InputError
from search.problem.problem import Problem


def one_less(scenario: Scenario) -> Scenario:
    """The scenario with one instance less: of the largest pool, the first of equals, if it has pools."""
    cluster = replace(scenario.cluster, instances=scenario.cluster.instances - 1)
    if not scenario.pools:
        return replace(scenario, cluster=cluster)
    largest = max(range(len(scenario.pools)), key=lambda i: (scenario.pools[i].count, -i))
    pools = list(scenario.pools)
    pools[largest] = replace(pools[largest], count=pools[largest].count - 1)
    return replace(scenario, cluster=cluster, pools=tuple(pools))


def without_one(problem: Problem) -> Problem:
    """The problem without one instance. Raises InputError if no pool can spare one."""
    scenario = problem.scenario
    if scenario.cluster.autoscaling.any:
        raise InputError("the autoscaler says how many instances there are")
    if max([pool.count for pool in scenario.pools] or [scenario.cluster.instances]) == 1:
        raise InputError("no pool has a second instance" if scenario.pools else "there is one instance only")
    return problem.under(one_less)


SHIFTS = {"one instance less": without_one}
