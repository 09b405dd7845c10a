"""The order of the wait queue in whole runs: one request runs at a time, for one step of 100 µs a token."""

from __future__ import annotations

import pytest

from blis.config import Batch, LatencyModel, SloTier
from blis.engine.run import simulate
from tests.blis.engine.plain_times import STEP_US, deployment, requests

ALONE = Batch(max_running=1)


def order(table, **engine) -> list[int]:
    """Rows in the order of their first admission."""
    scheduled_us = simulate(deployment(engine={"batch": ALONE, **engine}), table).scheduled_us.tolist()
    assert len(set(scheduled_us)) == len(scheduled_us)
    return sorted(range(len(scheduled_us)), key=scheduled_us.__getitem__)


def lengths(*tokens: int) -> list[range]:
    return [range(1000 * row, 1000 * row + length) for row, length in enumerate(tokens)]


def test_first_come_first_served():
    assert order(requests([0, 0, 5, 7], [3, 1, 1, 1])) == [0, 1, 2, 3]


def test_who_is_queued_first_not_who_arrives_first():
    # a microsecond a prompt token until a request is queued: 0 at 20, 1 at 6, 2 at 7
    model = LatencyModel(alpha=(0, 1, 0), beta=(STEP_US, 0, 0))
    assert order(requests([0, 1, 2], 1, lengths(20, 5, 5)), latency_model=model) == [1, 2, 0]


@pytest.mark.parametrize(
    ("scheduler", "rows"), [("sjf", [0, 4, 2, 3, 1]), ("shortest-output", [0, 3, 1, 4, 2]), ("fcfs", [0, 1, 2, 3, 4])]
)
def test_whoever_waits_is_ordered_at_every_step(scheduler, rows):
    # 4 comes while 0 runs its three steps, and passes whom it may; equal ones go by arrival
    table = requests([0, 10, 20, 30, 250], [3, 2, 4, 1, 2], lengths(8, 9, 5, 5, 4))
    assert order(table, scheduler=scheduler) == rows


def test_a_heap_gives_back_many_in_order():
    tokens = [8, *(1 + 7 * row % 31 for row in range(60))]
    table = requests([0, *range(1, 61)], 1, lengths(*tokens))
    assert order(table, scheduler="sjf") == [0, *sorted(range(1, 61), key=lambda row: (tokens[row], row))]


def test_who_prefills_behind_a_member_that_leaves_goes_on():
    # 4 tokens a step: 0 ends at 100, 1 has computed its 12 at 300; a run that forgets it must end, too
    engine = {"batch": Batch(long_prefill_threshold=4)}
    table = requests([0, 0], 1, lengths(4, 12))
    assert simulate(deployment(engine=engine, horizon_us=2000), table).completed_us.tolist() == [100, 300]


def test_priorities_go_by_class():
    tiers = {"low": SloTier(priority=1), "high": SloTier(priority=2)}
    table = requests([0, 1, 2, 3], 1, slo_class=[0, 0, 1, 1], slo_names=("low", "high"))
    engine = {"batch": ALONE, "scheduler": "priority-fcfs", "priority": "class-age"}
    engine["priority_parameters"] = {"age_per_s": 0}
    scheduled_us = simulate(deployment(engine=engine, slo_tiers=tiers), table).scheduled_us
    assert scheduled_us.tolist() == [0, 300, 100, 200]
