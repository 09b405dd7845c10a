"""The least number of instances and the highest rate at which enough requests get what they were promised.

Every number of instances and every rate meets the same requests: those of a few tables, closer together or further
apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from statistics import fmean

import numpy as np

from blis.api import simulate
from blis.comparison.statistics import paired_t_interval
from blis.config import MAX_TIME_US, Scenario
from blis.errors import InputError, check_choice
from blis.evaluation.distribution import US_PER_MS
from blis.evaluation.slo import SLOClass, class_label, class_targets, good_requests
from blis.scenario import member_scenario
from blis.sizing.bisection import first_place
from blis.tables.requests import RequestTable
from blis.workload.draw.spec import WorkloadSpec
from blis.workload.read.traces import rescaled
from blis.workload.source import Workload, requests_of

#: Rates that are tried differ by so much, and reach so many times as high and as low as the one that is asked for.
RATE_STEP, RATE_REACH = 1.01, 8.0


@dataclass(frozen=True)
class Promise:
    """What a class was promised, in ms; tpot_ms: None = nothing."""

    ttft_ms: float
    tpot_ms: float | None = None


@dataclass(frozen=True)
class Found:
    """A number on every table, None: beyond what was tried. tried: the least and the most."""

    by_table: tuple[float | None, ...]
    tried: tuple[float, float]

    @property
    def known(self) -> list[float]:
        """On the tables that have one."""
        return [number for number in self.by_table if number is not None]

    @property
    def mean(self) -> float | None:
        """Over the tables; None if one of them has none."""
        return fmean(self.known) if len(self.known) == len(self.by_table) else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean, 95 %, nothing below 0; None if there is none, and of one table."""
        if self.mean is None or len(self.known) == 1:
            return None
        low, high = paired_t_interval(self.known)
        return max(low, 0.0), high


@dataclass(frozen=True)
class Sizing:
    """A policy in a scenario, its requests, and how many of them must get what they were promised.

    workload: drawn, a table a seed; of a trace there is one table, and no seed counts. promises: by class, where they
    are not those of the scenario's `slo_tiers`. target: share of the requests that are offered.
    """

    scenario: Scenario
    workload: Workload
    seeds: Sequence[int]
    target: float
    promises: Mapping[str, Promise]

    @cached_property
    def tables(self) -> list[RequestTable]:
        """The requests at the rate that is asked for. Raises InputError if none of a table's are scored."""
        drawn = isinstance(self.workload, WorkloadSpec)
        found = [requests_of(self.workload, seed) for seed in self.seeds] if drawn else [requests_of(self.workload)]
        for table in found:
            if not table.arrival_us[table.scored_rows].size:
                problem = f"none of the {len(table)} requests of a table is scored, where the middle 80 % are"
                raise InputError(f"{problem}; give it more of them")
        return found

    @cached_property
    def rate(self) -> float:
        """Of `counted`, per second: of the specification, or of all of the trace."""
        if isinstance(self.workload, WorkloadSpec):
            return self.workload.aggregate_rate
        return self.tables[0].offered_per_s

    @property
    def counted(self) -> str:
        """What comes at that rate."""
        return self.workload.counts if isinstance(self.workload, WorkloadSpec) else "requests"

    @cached_property
    def classes(self) -> dict[str, Promise]:
        """What every class of the requests was promised. Raises InputError for a promise to nobody."""
        names = dict.fromkeys(class_label(name) for table in self.tables for name in table.slo_names)
        for name in self.promises:
            check_choice("--slo", name, names)
        return {name: self.promises.get(name, Promise(self.scenario.tier(name).ttft_ms)) for name in names}

    def now(self) -> tuple[float, tuple[float, float] | None]:
        """The share with the instances and at the rate that are asked for, and its interval."""
        shares = [self._share(i, self.scenario, 1.0) for i in range(len(self.tables))]
        if len(shares) == 1:
            return shares[0], None
        low, high = paired_t_interval(shares)
        return fmean(shares), (max(low, 0.0), min(high, 1.0))

    def least_instances(self, least: int, most: int) -> Found:
        """At the rate that is asked for; from `least` to `most` of them are tried."""
        counts = range(least, most + 1)
        scenarios = [with_instances(self.scenario, n) for n in counts]
        return self._found([(scenario, 1.0) for scenario in scenarios], [float(n) for n in counts])

    def highest_rate(self) -> Found:
        """With the instances that are asked for; of `counted`, per second."""
        factors = rate_factors(RATE_REACH)
        return self._found([(self.scenario, factor) for factor in factors], [self.rate * factor for factor in factors])

    def _found(self, places: Sequence[tuple[Scenario, float]], numbers: Sequence[float]) -> Found:
        """The number of the first place, a scenario and a factor on the rate, that keeps the target on each table."""

        def holds(i: int, place: int) -> bool:
            return self._share(i, *places[place]) >= self.target

        edges = [first_place(partial(holds, i), len(places)) for i in range(len(self.tables))]
        by_table = tuple(None if edge is None else numbers[edge] for edge in edges)
        return Found(by_table, (min(numbers), max(numbers)))

    def _share(self, i: int, scenario: Scenario, factor: float) -> float:
        """Of the scored requests of table `i`, at so many times the rate, those that got what they were promised."""
        run = simulate(member_scenario(scenario, i), self._table(i, factor))
        slo = [_slo_class(name, promise) for name, promise in self.classes.items()]
        good = good_requests(run.requests, run.table, class_targets(run.requests, slo))
        return float(np.mean(good[run.requests.scored_rows]))

    def _table(self, i: int, factor: float) -> RequestTable:
        """A table at so many times the rate."""
        if factor == 1:
            return self.tables[i]
        if isinstance(self.workload, WorkloadSpec):
            return requests_of(self.workload, self.seeds[i], rate_scale=factor)
        return rescaled(self.tables[0], factor)


def rate_factors(reach: float) -> list[float]:
    """Factors on a rate, the highest first: from about `reach` down to 1 / `reach`; 1 is one of them."""
    steps = round(math.log(reach) / math.log(RATE_STEP))
    return [RATE_STEP**-k for k in range(-steps, steps + 1)]


def with_instances(scenario: Scenario, instances: int) -> Scenario:
    """The scenario with so many equal instances. Raises InputError if it has pools, which say how many."""
    if scenario.pools:
        raise InputError("the number of instances follows from the pools: it cannot be found")
    if scenario.cluster.autoscaling.any:
        raise InputError("cluster.autoscaling says how many instances there are: leave it out to find a number")
    named = [instance for outage in scenario.cluster.failures.scheduled for instance in outage.instances]
    if instances <= max(named, default=-1):
        raise InputError(
            f"failures.scheduled names instance {max(named)}, which a cluster of {instances} does not have:"
            f" try {max(named) + 1} and more, or name one with a lower number"
        )
    return replace(scenario, cluster=replace(scenario.cluster, instances=instances))


def _slo_class(name: str, promise: Promise) -> SLOClass:
    tpot_us = MAX_TIME_US if promise.tpot_ms is None else round(promise.tpot_ms * US_PER_MS)
    return SLOClass(name, round(promise.ttft_ms * US_PER_MS), tpot_us, 1.0)
