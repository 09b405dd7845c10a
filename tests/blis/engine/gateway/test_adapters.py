"""What the router sees of adapters, in runs whose times can be told by hand: a step takes 100 µs."""

import numpy as np
import pytest

from blis.config import Batch, Failures, Lora, Outage, Routing, Scorer, Signal, Signals
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import deployment, requests


def decisions(adapters, arrivals, outputs, instances=1, age_us=0, places=1, **more):
    table = with_adapters(requests(arrivals, outputs), np.array(adapters, np.int32), ("a", "b", "c"))
    routing = Routing("weighted", scorers=(Scorer("lora-affinity", 1),), signals=Signals(lora=Signal(age_us)))
    engine = {"lora": Lora(places), **more.pop("engine", {})}
    return simulate(
        deployment(instances, routing=routing, engine=engine, **more), table, observe=Observe(decisions=True)
    )


def test_an_adapter_runs_waits_or_is_not_there():
    """The batch has room for one request: 0 runs, then 1 waits, too."""
    result = decisions(
        [0, 1, 0, 1, 2, -1], [0, 10, 20, 30, 40, 50], 9, places=2, engine={"batch": Batch(max_running=1)}
    )
    seen = result.decisions
    assert seen["adapter_active"].ravel().tolist() == [0, 0, 1, 0, 0, 0]
    assert seen["adapter_waits"].ravel().tolist() == [0, 0, 0, 1, 0, 0]
    assert seen["adapters"].ravel().tolist() == [0, 1, 2, 2, 2, 3]
    assert seen["score"].ravel().tolist() == [0.8, 0.8, 1.0, 0.6, 0.0, 0.0]


def test_an_adapter_that_runs_and_waits_counts_once():
    result = decisions([0, 0, 1], [0, 10, 20], 9, places=2, engine={"batch": Batch(max_running=1)})
    assert result.decisions["adapters"].ravel().tolist() == [0, 1, 1]
    assert result.decisions["score"].ravel().tolist() == [0.8, 1.0, 0.8]


def test_requests_go_where_their_adapter_runs():
    result = decisions([0, 1, 0, 1, 0], [0, 10, 20, 30, 40], 9, instances=2)
    assert result.instance.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(("age_us", "active"), [(0, [0, 1, 1, 0]), (50, [0, 0, 1, 1]), (1000, [0, 0, 0, 1])])
def test_a_signal_of_some_age_is_read_on_its_grid(age_us, active):
    """The last members leave when the step of 1000 begins, which the reading of 1000 does not see yet."""
    result = decisions([0, 0, 0, 0], [0, 49, 51, 1001], [9, 10, 10, 1], age_us=age_us)
    assert result.decisions["adapter_active"].ravel().tolist() == active


def test_of_the_dead_the_router_sees_what_there_was():
    never = Failures((Outage((0,), 150, 10_000),), heartbeat_us=0, offline_after_us=10**9)
    for age_us in (0, 60):
        result = decisions([0, 0, 1], [0, 400, 500], 9, instances=2, age_us=age_us, failures=never)
        assert result.decisions["adapter_active"][1].tolist() == [1, 0]
        assert result.decisions["adapters"][2].tolist() == [1, 0]
