"""A cluster that has lost an instance."""

from __future__ import annotations

from dataclasses import replace

from blis.config import Cluster, Scenario
from blis.errors import InputError
from search.problem.problem import Problem


def one_less(scenario: Scenario) -> Scenario:
    """The scenario without the last instance: that of the largest pool, the first of equals, if it has pools."""
    if not scenario.pools:
        return replace(scenario, cluster=_without(scenario.cluster, scenario.cluster.instances - 1))
    largest = max(range(len(scenario.pools)), key=lambda i: (scenario.pools[i].count, -i))
    pools = list(scenario.pools)
    pools[largest] = replace(pools[largest], count=pools[largest].count - 1)
    lost = sum(pool.count for pool in scenario.pools[: largest + 1]) - 1
    return replace(scenario, cluster=_without(scenario.cluster, lost), pools=tuple(pools))


def _without(cluster: Cluster, lost: int) -> Cluster:
    """The cluster without this instance and its outages; where only one would be left to decode, one prefills less."""
    apart, left = cluster.disaggregation, cluster.instances - 1
    return replace(
        cluster,
        instances=left,
        failures=cluster.failures.without(lost),
        disaggregation=replace(apart, prefill_instances=min(apart.prefill_instances, left - 1)),
    )


def without_one(problem: Problem) -> Problem:
    """The problem without one instance. Raises InputError if no pool can spare one."""
    scenario = problem.scenario
    if scenario.cluster.autoscaling.any:
        raise InputError("the autoscaler says how many instances there are")
    if max([pool.count for pool in scenario.pools] or [scenario.cluster.instances]) == 1:
        raise InputError("no pool has a second instance" if scenario.pools else "there is one instance only")
    return problem.under(one_less)


SHIFTS = {"one instance less": without_one}
