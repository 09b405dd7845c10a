"""Closed loops: who follows whom, whatever the deployment, on random scenarios and by hand."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Compat, Routing
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.records import COMPLETED, NOT_ARRIVED
from blis.tables.requests import RequestTable
from blis.workload.subset import take_rows
from tests.laws.against_oracle import compare
from tests.laws.random_cases import Case, looped, random_case

SEEDS = range(40)


def closed_case(seed: int) -> Case:
    """A random case in which somebody follows somebody."""
    for attempt in range(100):
        rng = Random(1000 * seed + attempt)
        case = random_case(rng)
        table = case.table if case.table.closed else looped(rng, case.table)
        if table.closed and not case.compat.ids_as_text:
            return replace(case, table=table)
    raise AssertionError(f"no case for seed {seed}")


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_equals_oracle_in_closed_loops(seed):
    compare(closed_case(seed))


@pytest.mark.slow
def test_engine_equals_oracle_in_two_thousand_closed_loops():
    for seed in range(1000, 3000):
        compare(closed_case(seed))


def at_their_arrivals(table: RequestTable, arrival_us: np.ndarray) -> RequestTable:
    """The rows that have come, as if their arrivals had been known."""
    rows = np.flatnonzero(arrival_us >= 0)
    rows = rows[np.lexsort((rows, arrival_us[rows]))]
    entries = np.concatenate([np.arange(table.path_offset[row], table.path_offset[row + 1]) for row in rows])
    known = replace(table, arrival_us=arrival_us, predecessor=None, think_us=None, cache={})
    return take_rows(known, rows, entries)


def test_the_same_arrivals_known_before_give_the_same_run():
    """A client that waits and one that sends at just those times cannot be told apart."""
    came = 0
    for seed in range(60):
        case = closed_case(seed)
        cluster = replace(case.scenario.cluster, routing=Routing("least-loaded", tie_break="first"))
        cluster = replace(cluster, admission=replace(cluster.admission, policy="always-admit", parameters={}))
        scenario = replace(case.scenario, cluster=cluster)
        if scenario.instance.scheduler == "shortest-predicted-output":  # draws follow the row
            continue
        closed = simulate(scenario, case.table, case.compat)
        table = at_their_arrivals(case.table, closed.arrival_us)
        known = simulate(scenario, table, case.compat)
        rows = [int(name.removeprefix("request_")) for name in table.request_ids or ()]
        for name in ("status", "instance", "ttft_us", "e2e_us", "cached_tokens", "preemptions"):
            np.testing.assert_array_equal(getattr(known, name), getattr(closed, name)[rows], err_msg=f"{seed} {name}")
        came += int(np.count_nonzero(case.table.predecessor[rows] >= 0))
    assert came > 100


def test_who_follows_comes_after_answer_and_thought_or_not_at_all():
    came = lost = 0
    for seed in SEEDS:
        case = closed_case(seed)
        result = simulate(case.scenario, case.table, case.compat, Observe())
        assert check_laws(case.scenario, case.table, result, case.compat) == []
        for row in np.flatnonzero(case.table.predecessor >= 0):
            before = case.table.predecessor[row]
            if result.arrival_us[row] >= 0:
                assert result.status[before] == COMPLETED
                due_us = result.arrival_us[before] + result.e2e_us[before] + case.table.think_us[row]
                assert result.arrival_us[row] == due_us
                came += 1
            else:
                assert result.status[row] == NOT_ARRIVED
                lost += 1
    assert came > 50
    assert lost > 20


def test_the_original_has_no_closed_loop():
    case = closed_case(0)
    with pytest.raises(Exception, match="replay the recorded arrivals"):
        simulate(case.scenario, case.table, Compat.original())
