from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Failures, Outage
from blis.engine.live.flow import Flow
from blis.engine.run import simulate
from blis.errors import InputError
from blis.tables.records import COMPLETED, NOT_ARRIVED
from tests.blis.engine.live.small import scenario
from tests.blis.engine.live.test_seats import chunk, table


def test_whoever_is_over_leaves_and_the_others_stay():
    flow = Flow(scenario(), table(2), 0, 8)
    late = replace(chunk(2, 1).table, arrival_us=np.array([10**9]), cache={})
    first, second = flow.take(chunk(0, 2)), flow.take(chunk(2, 1)._replace(table=late))
    assert len(first.number) == 0 and sorted(second.number) == [0, 1]
    last = flow.finish()
    assert last.number.tolist() == [2] and last.result.status.tolist() == [COMPLETED]
    assert last.result.instances["completed"].tolist() == [3]
    assert flow.longest_step_us.min() > 10_000


def test_steps_that_all_have_been_through_are_forgotten():
    flow = Flow(scenario(), table(2), 0, 8)
    rows = []
    for number in range(50):
        own = replace(chunk(number, 1).table, arrival_us=np.array([10**6 * number]), cache={})
        rows.append(len(flow.take(chunk(number, 1)._replace(table=own)).result.steps))
    assert max(rows) < 12


def test_whoever_comes_behind_the_horizon_never_arrives():
    cut = replace(scenario(), horizon_us=2)
    flow = Flow(cut, table(2), 0, 8)
    gone = flow.take(chunk(0, 6))
    assert gone.number.tolist() == [3, 4, 5] and set(gone.result.status) == {NOT_ARRIVED}
    left, want = flow.finish(), simulate(cut, table(6))
    assert left.result.end_us == want.end_us == 2
    assert left.result.status.tolist() == want.status[:3].tolist()


def test_a_run_that_somebody_would_still_come_to_lasts_until_its_horizon():
    cut = replace(scenario(), horizon_us=10**8)
    late = replace(table(2), arrival_us=np.array([0, 10**9]), cache={})
    flow = Flow(cut, table(2), 0, 8)
    assert flow.take(chunk(0, 2)._replace(table=late)).number.tolist() == [1]
    assert flow.finish().result.end_us == simulate(cut, late).end_us == 10**8


def test_nobody_fails_in_what_is_streamed():
    failing = replace(scenario().cluster, failures=Failures((Outage((0,), 5, 5),)))
    with pytest.raises(InputError, match=r"cluster\.failures: .* streamed"):
        Flow(replace(scenario(), cluster=failing), table(2), 0, 8)
