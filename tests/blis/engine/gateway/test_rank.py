"""Orders that arrivals decide, in runs whose steps take 100 µs: one place, so that the order of waiting shows."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Batch, FlowControl, SloTier
from blis.engine.gateway import rank
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests
from tests.kernels import callable_kernel

in_order = callable_kernel(rank.in_order)


def test_integers_are_in_the_order_of_the_numbers():
    numbers = [-np.inf, -1e300, -2.5, -1e-300, 0.0, 1e-300, 1.0, 1.5, 1e300, np.inf]
    found = [in_order(number) for number in numbers]
    assert found == sorted(set(found))
    assert in_order(-0.0) == in_order(0.0)


def followed_by(classes, think_us, outputs=1):
    """A first request, and one of each class that follows it after so long."""
    n = len(classes) + 1
    table = requests([0] * n, outputs, slo_class=[0, *classes])
    return replace(
        table,
        arrival_us=np.array([0] + [-1] * (n - 1)),
        predecessor=np.array([-1] + [0] * (n - 1), np.int32),
        think_us=np.array([0, *think_us], np.int64),
        slo_names=("urgent", "calm"),
        cache={},
    )


TIERS = {"urgent": SloTier(priority=2, ttft_ms=1), "calm": SloTier(priority=1, ttft_ms=100)}


@pytest.mark.parametrize(
    ("priority", "order"),
    [("slo-based", [1, 2, 3]), ("inverted-slo", [1, 3, 2]), ("deadline", [1, 3, 2]), ("constant", [1, 2, 3])],
)
def test_who_waits_is_served_by_what_the_policy_says_at_arrival(priority, order):
    """Row 1 starts at once; row 2 (calm) and then row 3 (urgent) come while it runs."""
    engine = {"batch": Batch(1, 1000), "scheduler": "priority-fcfs", "priority": priority}
    scenario = deployment(engine=engine, slo_tiers=TIERS)
    result = simulate(scenario, followed_by([0, 1, 0], [10, 20, 30]))
    assert (np.argsort(result.scheduled_us)[1:]).tolist() == order


@pytest.mark.parametrize(("ordering", "order"), [("fcfs", [1, 2, 3, 4]), ("deadline", [1, 2, 4, 3])])
def test_so_is_who_waits_at_the_gateway(ordering, order):
    """Who is in the last step counts as gone: row 2 is let through beside row 1; row 3 (calm) and row 4 wait."""
    flow = FlowControl(enabled=True, detector="concurrency", max_concurrency=1, ordering=ordering, interval_us=1)
    tiers = {name: replace(tier, priority=1) for name, tier in TIERS.items()}
    result = simulate(deployment(flow_control=flow, slo_tiers=tiers), followed_by([0, 0, 1, 0], [10, 20, 30, 40]))
    assert (np.argsort(result.scheduled_us)[1:]).tolist() == order
