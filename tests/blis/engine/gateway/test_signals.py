"""How fresh what a decision sees is, told by hand: a step takes 100 µs, a prompt two blocks."""

from __future__ import annotations

import pytest

from blis.config import Batch, Routing, Scorer, Signal, Signals
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def seen(field: str, table, *scorers: str, signals: Signals | None = None, refresh_us: int = 0, **more):
    """What every decision saw of the only instance."""
    routing = Routing(
        "weighted",
        scorers=tuple(Scorer(name, 1) for name in scorers),
        signals=signals or Signals(),
        snapshot_refresh_us=refresh_us,
    )
    result = simulate(deployment(routing=routing, **more), table, observe=Observe(decisions=True))
    return result.decisions[field][:, 0].tolist()


@pytest.mark.parametrize(
    ("age_us", "sizes"),
    [(0, [0, 1, 1, 3]), (50, [0, 0, 1, 1]), (51, [0, 0, 0, 3]), (130, [0, 0, 0, 3]), (1000, [0, 0, 0, 0])],
)
def test_a_signal_is_read_on_its_grid_before_the_events_of_that_instant(age_us, sizes):
    # one is in the batch after 0, three are after 100; the last decision is made on what was at 130, 100, 102, 130 or 0
    signals = Signals(batch_size=Signal(age_us))
    table = requests([0, 1, 50, 130], 9)
    assert seen("batch_size", table, "running-requests", signals=signals) == sizes


def test_a_live_signal_is_as_of_every_decision():
    assert seen("batch_size", requests([0, 1, 2, 101], 9), "running-requests") == [0, 1, 1, 3]
    waits = {"engine": {"batch": Batch(max_running=1)}}
    assert seen("queue_depth", requests([0, 1, 2, 3], 9), "queue-waiting", **waits) == [0, 0, 1, 2]


def test_a_lazy_snapshot_is_read_when_a_decision_finds_it_too_old():
    # read at 50, 99 and 155: before the first step nothing is used, after it 2 blocks, after the step at 150 3 + 2 + 2
    free = seen("free_blocks", requests([50, 60, 99, 155], 9), "kv-utilization", refresh_us=40)
    assert [1000 - blocks for blocks in free] == [0, 0, 2, 7]


def test_other_signals_stay_fresh_beside_a_lazy_snapshot():
    table = requests([50, 60, 99, 155], 9)
    assert seen("batch_size", table, "kv-utilization", "running-requests", refresh_us=40) == [0, 1, 1, 3]


def test_the_cache_signal_keeps_its_own_age():
    # the first prompt is cached from 0 on; the cache is read at 0 and 100, queues every 10 µs
    signals = Signals(queue_depth=Signal(10), cache=Signal(100))
    table = requests([0, 55, 99, 100], 9, [range(8), *[[*range(8), row] for row in (90, 91, 92)]])
    scorers = ("precise-prefix-cache", "queue-waiting")
    assert seen("cached_blocks", table, *scorers, signals=signals) == [0, 0, 0, 2]


def test_in_flight_is_always_live_and_ends_with_a_drop():
    table = requests([0, 1, 2, 150], [9, 1, 9, 1], [range(8), range(100, 200), range(300, 308), range(8)])
    assert seen("in_flight", table, "active-requests", blocks=20) == [0, 1, 1, 2]


def test_pending_is_live_whatever_the_age_of_queues():
    stale = Signals(Signal(1000), Signal(1000), Signal(1000), Signal(1000))
    assert seen("pending", requests([0, 0, 0, 1], 9), "queue-depth", signals=stale) == [0, 1, 2, 0]
