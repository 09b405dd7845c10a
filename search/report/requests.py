"""What single requests had to wait, by class: a few report tables simulated again for the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.evaluation.slo import class_label, tpot_us
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.workload.draw.pools import REPORT_POOL
from search.problem.policy import Policy
from search.settings import Settings

#: Report tables whose requests are drawn.
TABLES = 4

#: Classes that are drawn: those with the most requests.
CLASSES = 6

#: Parts of a table's time over which a line is drawn.
PARTS = 24

#: What is drawn of a class.
MEASURES = ("time to first token", "time per output token", "end-to-end latency")

Seconds = NDArray[np.float64]
Runs = Sequence[tuple[RequestTable, ResultTable]]


@dataclass(frozen=True)
class ClassOfRequests:
    """The scored requests of one class. waits: by measure and policy [requests], ∞ for what never happened.

    time: the middles of the first table's parts [PARTS], in seconds; over_time: by policy the mean time to first token
    of who arrived in each, NaN if nobody did.
    """

    name: str
    requests: int
    waits: Mapping[str, Mapping[str, Seconds]]
    time: Seconds
    over_time: Mapping[str, Seconds]


def runs_of(settings: Settings, policies: Mapping[str, Policy]) -> dict[str, Runs]:
    """The first report tables, simulated again under each policy."""
    keys = settings.pool(REPORT_POOL, settings.validation.report_seeds)[:TABLES]
    return {name: [_run(settings, policy, key) for key in keys] for name, policy in policies.items()}


def classes_of(runs: Mapping[str, Runs]) -> list[ClassOfRequests]:
    """The classes of the report tables under each policy, the largest ones in the order of the tables."""
    tables = [table for made in runs.values() for table, _ in made][: len(next(iter(runs.values()), ()))]
    count: dict[str, int] = {}
    for table in tables:
        for name in table.slo_names:
            count[name] = count.get(name, 0) + int(np.count_nonzero(_rows(table, name)))
    largest = sorted(count, key=lambda name: -count[name])[:CLASSES]
    return [_class(name, count[name], runs) for name in count if name in largest and count[name]]


def _run(settings: Settings, policy: Policy, key: Any) -> tuple[RequestTable, ResultTable]:
    problem, table = settings.problem, settings.problem.table(key)
    return table, problem.simulate(problem.scenario_on(policy, key), table)


def _rows(table: RequestTable, name: str) -> NDArray[np.bool_]:
    """[n] the scored requests of a class."""
    scored = np.zeros(len(table), np.bool_)
    scored[table.scored_rows] = True
    code = table.slo_names.index(name) if name in table.slo_names else -1
    return np.asarray(scored & (table.slo_class == code))


def _class(name: str, requests: int, runs: Mapping[str, Runs]) -> ClassOfRequests:
    """One class under every policy."""
    waits = {
        measure: {policy: np.concatenate([_waits(*run, name)[place] for run in made]) for policy, made in runs.items()}
        for place, measure in enumerate(MEASURES)
    }
    over_time = {policy: _over_time(*made[0], name) for policy, made in runs.items()}
    time = next(iter(over_time.values()))[0]
    lines = {policy: line for policy, (_, line) in over_time.items()}
    return ClassOfRequests(class_label(name), requests, waits, time, lines)


def _waits(table: RequestTable, result: ResultTable, name: str) -> tuple[Seconds, Seconds, Seconds]:
    """In the order of MEASURES, of a class on one table; time per output token of requests with two or more."""
    rows, done = _rows(table, name), result.status == COMPLETED
    ttft = np.where(result.ttft_us >= 0, result.ttft_us, np.inf)
    tpot, e2e = (np.where(done, values, np.inf) for values in (tpot_us(table, result), result.e2e_us))
    return ttft[rows] / 1e6, tpot[rows & (table.output_tokens > 1)] / 1e6, e2e[rows] / 1e6


def _over_time(table: RequestTable, result: ResultTable, name: str) -> tuple[Seconds, Seconds]:
    """The middles of PARTS of the time of arrivals, and the mean time to first token of who arrived in each."""
    rows = _rows(table, name) & (result.ttft_us >= 0)
    came_us = table.soonest_us[table.scored_rows]
    start, end = came_us.min() / 1e6, came_us.max() / 1e6
    edges = np.linspace(start, max(end, start + 1e-6), PARTS + 1)
    part = np.clip(np.searchsorted(edges, table.soonest_us[rows] / 1e6, side="right") - 1, 0, PARTS - 1)
    total = np.bincount(part, result.ttft_us[rows] / 1e6, minlength=PARTS)
    count = np.bincount(part, minlength=PARTS)
    mean = np.divide(total, count, out=np.full(PARTS, np.nan), where=count > 0)
    return (edges[:-1] + edges[1:]) / 2, mean
