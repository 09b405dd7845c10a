"""Policies that look good by not doing the work, and honest shedding to compare them with.

A cheat takes a scenario, a table and `simulate`, and gives the result it would be scored on. Rows that it
turns away are not simulated: the others run without them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.config import Batch, Scenario
from blis.engine.columns import COUNTS, TIMES
from blis.tables.records import QUEUED, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.subset import keep_rows

Simulate = Callable[[Scenario, RequestTable], ResultTable]
Cheat = Callable[[Scenario, RequestTable, Simulate], ResultTable]
Rows = NDArray[np.bool_]

POSTPONED_US = 10_000_000  # the run with postponed requests ends so long after the last arrival


def shed(turned_away: Callable[[RequestTable], Rows]) -> Cheat:
    """Reject the rows that a rule names."""

    def cheat(scenario: Scenario, table: RequestTable, simulate: Simulate) -> ResultTable:
        return without(scenario, table, turned_away(table), simulate, REJECTED)

    return cheat


def randomly(share: float) -> Callable[[RequestTable], Rows]:
    """Honest shedding: a share of the requests, whoever they are."""
    return lambda table: np.random.default_rng(17).random(len(table)) < share


def everything(table: RequestTable) -> Rows:
    """All rows."""
    return np.ones(len(table), np.bool_)


def heaviest(share: float) -> Callable[[RequestTable], Rows]:
    """The requests with the most work."""

    def rows(table: RequestTable) -> Rows:
        work = table.input_tokens + 4 * table.output_tokens
        return work > np.quantile(work, 1 - share)

    return rows


def of_class(name: str) -> Callable[[RequestTable], Rows]:
    """A whole class."""
    return lambda table: table.slo_class == table.slo_names.index(name)


def without_prefix(table: RequestTable) -> Rows:
    """The requests whose prompt shares nothing with others."""
    return table.tree.shared[table.path_node[table.path_offset[:-1]]] < 0


def postpone(held_back: Callable[[RequestTable], Rows]) -> Cheat:
    """Keep rows waiting until the run is over. Scored against a baseline that ends at the same time."""

    def cheat(scenario: Scenario, table: RequestTable, simulate: Simulate) -> ResultTable:
        return without(ending(scenario, table), table, held_back(table), simulate, QUEUED)

    return cheat


def ending(scenario: Scenario, table: RequestTable) -> Scenario:
    """The scenario with the horizon that a postponing policy hides behind."""
    return replace(scenario, horizon_us=int(table.arrival_us[-1]) + POSTPONED_US)


def token_budget(tokens: int) -> Cheat:
    """Steps of up to so many tokens: huge ones give early first tokens and long gaps to everybody else."""

    def cheat(scenario: Scenario, table: RequestTable, simulate: Simulate) -> ResultTable:
        instance = replace(scenario.instance, batch=replace(Batch(), max_scheduled_tokens=tokens))
        return simulate(replace(scenario, instance=instance), table)

    return cheat


def full_bucket(covered: float) -> Cheat:
    """A token bucket that is never refilled, but starts with enough for this share of all prompt tokens."""

    def cheat(scenario: Scenario, table: RequestTable, simulate: Simulate) -> ResultTable:
        numbers = {"capacity_tokens": covered * float(table.input_tokens.sum()), "refill_tokens_per_s": 0.0}
        admission = replace(scenario.cluster.admission, policy="token-bucket", parameters=numbers)
        return simulate(replace(scenario, cluster=replace(scenario.cluster, admission=admission)), table)

    return cheat


def steady_bucket(refill: float, capacity_s: float) -> Cheat:
    """Honest admission control: a token bucket refilled at a share of the offered prompt tokens."""

    def admission(scenario: Scenario, table: RequestTable, simulate: Simulate) -> ResultTable:
        offered_per_s = float(table.input_tokens.sum()) / (table.arrival_us[-1] / 1e6)
        numbers = {"capacity_tokens": capacity_s * offered_per_s, "refill_tokens_per_s": refill * offered_per_s}
        control = replace(scenario.cluster.admission, policy="token-bucket", parameters=numbers)
        return simulate(replace(scenario, cluster=replace(scenario.cluster, admission=control)), table)

    return admission


def with_tenants_without_prefix(table: RequestTable, tenants: int = 8) -> RequestTable:
    """The table with all requests without a prefix belonging to tenants of their own."""
    new = len(table.tenant_names) + np.arange(len(table)) % tenants
    names = (*table.tenant_names, *(f"no-prefix-{i}" for i in range(tenants)))
    tenant = np.where(without_prefix(table), new, table.tenant).astype(np.int32)
    return replace(table, tenant=tenant, tenant_names=names, cache={})


def without(scenario: Scenario, table: RequestTable, gone: Rows, simulate: Simulate, status: int) -> ResultTable:
    """The result of the other rows alone, with the rows that are `gone` put back in under a status."""
    if gone.all():
        kept = simulate(scenario, keep_rows(table, np.arange(len(table)) == 0))
        columns = {name: np.full(len(table), -1, column.dtype) for name, column in _columns(kept).items()}
    else:
        kept = simulate(scenario, keep_rows(table, ~gone))
        columns = {}
        for name, column in _columns(kept).items():
            columns[name] = np.full(len(table), -1, column.dtype)
            columns[name][~gone] = column
    columns["status"][gone] = status
    gaps = kept.gaps.copy()
    gaps["request"] = (np.flatnonzero(~gone) if not gone.all() else np.zeros(1, np.int64))[gaps["request"]]
    return replace(kept, gaps=gaps, **columns)


def _columns(result: ResultTable) -> dict[str, NDArray]:
    """The columns with one row a request."""
    return {name: getattr(result, name) for name in (*TIMES, *COUNTS, "retry_after_us")}
