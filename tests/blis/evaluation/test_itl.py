from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.engine.run import simulate
from blis.evaluation.distribution import distribution
from blis.evaluation.itl import all_gaps, expand_gaps, itl, itl_by_group
from blis.tables.limits import within_limits
from blis.tables.records import COMPLETED, INSTANCE_COUNTERS, LONG_GAP, QUEUED, STEP_LOG
from blis.tables.results import ResultTable
from tests.blis.handmade import make_result, make_table
from tests.laws.random_cases import random_case


def thrown_together(result: ResultTable, rows) -> list[int]:
    return sorted(gap for row in rows if result.status[row] == COMPLETED for gap in expand_gaps(result, row))


def in_short(gaps_us):
    return distribution(np.array(gaps_us, np.int64))


def preempted() -> ResultTable:
    """Two instances; request 0 was away in steps 4 to 6, request 2 never finished."""
    table = make_table(4, output_tokens=[4, 3, 9, 1])
    result = make_result(table, 10, status=[COMPLETED, COMPLETED, QUEUED, COMPLETED])
    instances = np.zeros(2, INSTANCE_COUNTERS)
    instances["steps"] = 8, 3
    return replace(
        result,
        instance=np.array([0, 1, 0, 0], np.int32),
        first_step=np.array([2, 1, 1, 8]),
        last_step=np.array([8, 3, 4, 8]),
        steps=np.array([(0, 1, 3, 10), (0, 4, 4, 20), (0, 8, 1, 5), (1, 1, 1, 7), (1, 2, 2, 9)], STEP_LOG),
        gaps=np.array([(0, 3, 7, 80), (2, 2, 4, 30)], LONG_GAP),
        instances=instances,
        token_overhead_us=np.zeros(2, np.int64),
    )


def test_the_list_of_a_request():
    result = preempted()
    assert [expand_gaps(result, row) for row in range(4)] == [[10, 80, 5], [9, 9], [10, 30], []]
    twice = replace(result, last_gap_twice=True, token_overhead_us=np.array([100, 200]))
    assert [expand_gaps(twice, row) for row in range(4)] == [[110, 180, 105, 105], [209] * 3, [110, 130], [105]]


def test_a_request_that_was_preempted_twice():
    gaps = np.array([(0, 3, 5, 80), (0, 6, 7, 90), (2, 2, 4, 30)], LONG_GAP)
    result = replace(preempted(), gaps=gaps)
    assert expand_gaps(result, 0) == [10, 80, 20, 90, 5]
    assert itl(result) == in_short(thrown_together(result, range(4)))


def test_a_request_that_never_started_has_no_gaps():
    assert expand_gaps(make_result(make_table(1), 5, status=QUEUED), 0) == []


@pytest.mark.parametrize("twice", [False, True])
def test_the_distribution_is_the_lists_of_completed_requests(twice: bool):
    result = replace(preempted(), last_gap_twice=twice, token_overhead_us=np.array([3, 4]))
    assert itl(result) == in_short(thrown_together(result, range(4)))
    among = np.array([False, True, True, True])
    assert itl(result, among) == in_short(thrown_together(result, [1, 2, 3]))
    assert itl(result, np.zeros(4, bool)) == in_short([])


@pytest.mark.parametrize("seed", range(150))
def test_random_runs(seed: int):
    case = random_case(Random(seed))
    table = within_limits(case.table, *case.scenario.instance.engine.limits)
    result = simulate(case.scenario, table, case.compat)
    rows = range(len(table))
    assert itl(result) == in_short(thrown_together(result, rows))
    odd = np.arange(len(table)) % 2 == 1
    assert itl(result, odd) == in_short(thrown_together(result, rows[1::2]))
    for row in np.flatnonzero(result.status == COMPLETED):
        gaps = expand_gaps(result, row)
        assert len(gaps) == max(table.output_tokens[row], 1) - 1 + result.last_gap_twice
        if result.ttft_us[row] >= 0:
            assert sum(gaps) == result.e2e_us[row] - result.ttft_us[row]


def test_groups_and_all_of_them():
    gaps = all_gaps(preempted(), np.array([1, 0, 1, 1]), 2)
    everything, first, second = itl_by_group(gaps, np.array([2, 1, 0, 1]))
    assert first == in_short([9, 9])
    assert second == in_short([10, 80, 5] * 2)
    assert everything == in_short([9, 9, *[10, 80, 5] * 2])
