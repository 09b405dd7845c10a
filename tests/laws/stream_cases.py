"""Random cases taken in chunks of any size, and held against a whole run of their table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from random import Random

import numpy as np

from blis.config import Scenario
from blis.engine.columns import COUNTS, TIMES
from blis.engine.live.flow import Ended, Flow
from blis.engine.run import simulate
from blis.evaluation.gaps import Gaps
from blis.tables.limits import within_limits
from blis.tables.records import COMPLETED
from blis.tables.requests import RequestTable
from blis.tables.streams import Chunk
from blis.workload.subset import take_rows
from tests.laws.random_cases import random_case

#: Numbers of an instance's own steps, which a streamed run counts from elsewhere.
_STEPS = ("first_step", "last_step")


def stream_case(seed: int, max_requests: int = 40) -> tuple[Scenario, RequestTable] | None:
    """A scenario and requests that can be streamed; None: no such."""
    case = random_case(Random(seed), max_requests)
    if case.table.closed or case.scenario.cluster.routing.policy == "prefix-affinity-exact":
        return None
    table = replace(case.table, session=np.full(len(case.table), -1, np.int32), cache={})
    return case.scenario, within_limits(table, *case.scenario.instance.engine.limits)


def chunks_of(table: RequestTable, rng: Random) -> Iterator[Chunk]:
    """The rows of a table in chunks; every row is a pattern of its own."""
    first = 0
    while first < len(table):
        last = min(len(table), first + rng.choice([1, 1, 2, 5, 12]))
        rows = slice(first, last)
        entries = slice(int(table.path_offset[first]), int(table.path_offset[last]))
        yield Chunk(first, take_rows(table, rows, entries), np.arange(first, last, dtype=np.int32))
        first = last


def streamed(scenario: Scenario, table: RequestTable, rng: Random) -> list[Ended]:
    """What a flow gives, part by part."""
    flow = Flow(scenario, table, table.first_arrival_us, rng.choice([1, 4, 64]))
    return [*(flow.take(chunk) for chunk in chunks_of(table, rng)), flow.finish()]


def compare_streamed(seed: int) -> bool:
    """Assert that a run in chunks gives what a whole run gives; False where the seed has no such case."""
    case = stream_case(seed)
    if case is None:
        return False
    scenario, table = case
    want, parts = simulate(scenario, table), streamed(scenario, table, Random(seed))
    numbers = np.concatenate([part.number for part in parts])
    np.testing.assert_array_equal(np.sort(numbers), np.arange(len(table)))
    order = np.argsort(numbers)
    for name in (*TIMES, *COUNTS, "arrival_us", "retry_after_us"):
        if name not in _STEPS:
            got = np.concatenate([getattr(part.result, name) for part in parts])[order]
            np.testing.assert_array_equal(got, getattr(want, name), err_msg=f"{seed}: {name}")
    last = parts[-1].result
    assert (last.start_us, last.end_us) == (want.start_us, want.end_us), seed
    np.testing.assert_array_equal(last.instances, want.instances, err_msg=str(seed))
    _assert_equal_gaps(parts, want)
    return True


def _assert_equal_gaps(parts: list[Ended], want) -> None:
    """Gaps of all requests that have completed, and of all."""
    for chosen in (lambda result: result.status == COMPLETED, lambda result: np.ones(len(result), np.bool_)):
        got = [gaps_of(part.result, chosen(part.result)) for part in parts]
        assert sorted(chain.from_iterable(got)) == sorted(gaps_of(want, chosen(want)))


def gaps_of(result, times) -> list[int]:
    """All gaps of the requests that are chosen."""
    gaps = Gaps.of(result, np.arange(len(result)), np.zeros(len(result), np.int64), 1)
    several = gaps.counted(times)
    return np.repeat(several.values, several.weights).tolist()
