"""What the autoscaler recommends, and how much of it is done: the rules of the HorizontalPodAutoscaler, by hand."""

from __future__ import annotations

import pytest

from blis.config import Autoscaling, Batch, FlowControl
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

MANY = {
    "maximum": 50,
    "tolerance": 0,
    "sync_us": 1000,
    "up_period_us": 1000,
    "down_period_us": 1000,
    "down_window_us": 0,
}
ONE = {"batch": Batch(max_running=1)}


def looks(table, instances=1, more=None, **scaling):
    """(current, recommended, change) of every look after the first."""
    scenario = deployment(instances, autoscaling=Autoscaling(**{**MANY, **scaling}), **(more or {}))
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return [look[1:] for look in result.looks.tolist()[1:]]


@pytest.mark.parametrize(
    ("target", "recommended"),
    [
        ({"concurrency": 2}, 4),  # 7 run or wait
        ({"concurrency": 7}, 2),  # as many as there are is near enough
        ({"queue_depth": 2}, 3),  # 5 wait
        ({"busy_utilization": 0.25}, 8),  # both do nothing but steps
        ({"requests_per_s": 1000}, 7),  # 7 in a thousandth of a second
        ({"kv_utilization": 0.02}, 2),  # each has 3 of 1000 blocks in use: 9 tokens in blocks of 4 … and more
        ({"concurrency": 4, "queue_depth": 1}, 5),  # the largest counts
    ],
)
def test_every_target_asks_for_so_many(target, recommended):
    table = requests([0] * 7, 40)
    tolerance = {"tolerance": 0.6} if target == {"concurrency": 7} else {}
    found = looks(table, 2, {"engine": ONE}, minimum=2, **target, **tolerance)
    assert found[0] == (2, recommended, min(recommended, 6) - 2)


def test_the_gateway_queue_counts():
    flow = {"flow_control": FlowControl(enabled=True, max_concurrency=1), "engine": ONE}
    assert looks(requests([0] * 7, 40), 2, flow, queue_depth=1)[0] == (2, 5, 3)


@pytest.mark.parametrize(("tolerance", "recommended"), [(0.24, 5), (0.25, 4), (0.3, 4)])
def test_what_is_near_enough_stays(tolerance, recommended):
    assert looks(requests([0] * 5, 40), 4, concurrency=1, tolerance=tolerance)[0][1] == recommended


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"up_instances": 4, "up_percent": 100}, [1, 5, 10, 20]),  # the larger of both
        ({"up_instances": 1, "up_percent": 0}, [1, 2, 3, 4]),
        ({"up_instances": 0, "up_percent": 50}, [1, 2, 3, 5]),  # rounded up
        ({"up_instances": 1, "up_percent": 0, "up_period_us": 2000}, [1, 2, 2, 3]),
        ({"up_instances": 0, "up_percent": 0}, [1, 1, 1, 1]),
    ],
)
def test_so_many_may_come_in_a_period(limits, counts):
    found = looks(requests([0] * 20, 60), concurrency=1, **limits)
    assert [current for current, _, _ in found[:4]] == counts


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"down_instances": 0, "down_percent": 100}, [10, 1, 1]),
        ({"down_instances": 2, "down_percent": 25}, [10, 8, 6]),
        ({"down_instances": 0, "down_percent": 25}, [10, 8, 6]),  # rounded down
        ({"down_instances": 0, "down_percent": 0}, [10, 10, 10]),
    ],
)
def test_so_many_may_go_in_a_period(limits, counts):
    found = looks(requests([0], 60), 10, concurrency=1, down_window_us=0, **limits)
    assert [current for current, _, _ in found[:3]] == counts


def test_up_to_the_least_and_down_to_the_most_of_a_window():
    """Three for a short while are not enough to come, and to be needed once is enough to stay."""
    short = requests([0, 0, 0, 900], [40, 15, 15, 60])
    found = looks(short, concurrency=1, up_window_us=3000, down_window_us=0)
    assert [current for current, _, _ in found[:5]] == [1, 1, 1, 2, 1]
    found = looks(short, 4, concurrency=1, down_window_us=3000)
    assert [(current, wanted) for current, wanted, _ in found[:6]] == [(4, 4), (4, 2), (4, 2), (4, 1), (2, 1), (2, 1)]
