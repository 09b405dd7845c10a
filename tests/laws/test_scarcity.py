"""Tiers, limits and affinity when there is too little of everything, with instances that come and go."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blis.config import (
    Admission,
    Autoscaling,
    Batch,
    Failures,
    Outage,
    Pool,
    Retries,
    Routing,
    Scenario,
    Scorer,
    SloTier,
    Startup,
)
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.placement import Placement
from blis.tables.records import COMPLETED, DRAINING, LOADING, NO_INSTANCE, POLICY, REJECTED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from tests.blis.engine.plain_times import deployment, requests

#: What a class counts, from the one that pays nothing to the one that pays most.
WEIGHTS = {"free": 1.0, "basic": 10.0, "premium": 50.0, "enterprise": 100.0}
TIERS = {name: SloTier(priority=0.01, weight=weight) for name, weight in WEIGHTS.items()}
GAP = 0.01 * (max(WEIGHTS.values()) - min(WEIGHTS.values()))
GPUS = ("H100", "A100", "L4")

COMING_AND_GOING = Failures(mtbf_us=3_000, mttr_us=700, heartbeat_us=50, offline_after_us=100)
#: One instance at least, three at most, and a look at their queues so often that they come and go all the time.
SCALED = Autoscaling(
    minimum=1,
    maximum=3,
    queue_depth=2.0,
    sync_us=100,
    up_period_us=100,
    down_window_us=300,
    down_period_us=100,
    drain_us=5_000,
)
#: The same whoever comes, and until when.
ANNOUNCED = Failures(
    (Outage((0,), 300, 500), Outage((0, 1, 2), 1500, 400), Outage((1, 2), 2500, 600)),
    heartbeat_us=50,
    offline_after_us=100,
)
KEPT = Retries(limit=20, budget=20.0, saved=1000.0, backoff_us=1)


def scarce(boost_per_minute: float, failures: Failures = COMING_AND_GOING, instances: int = 3, **cluster) -> Scenario:
    """Instances that serve two at a time, in the order of the tiers; who is lost is sent again."""
    ordered = {"scheduler": "priority-fcfs", "priority": "slo-tiers", "batch": Batch(max_running=2)}
    ordered["priority_parameters"] = {"boost_per_minute": boost_per_minute}
    cluster = {
        "failures": failures,
        "startup": Startup(load_us=200),
        "retries": KEPT if failures.any else Retries(),
        **cluster,
    }
    return deployment(instances, engine=ordered, slo_tiers=TIERS, **cluster)


def crowd(seed: int, count: int, every_us: float = 50, steps: int = 4, **columns) -> RequestTable:
    """Requests of all tiers, half as many again as three instances can serve."""
    rng = np.random.default_rng(seed)
    arrival_us = np.cumsum(rng.exponential(every_us, count)).astype(np.int64)
    columns = {"uniform": rng.random(count), "slo_names": tuple(WEIGHTS), **columns}
    return requests(arrival_us.tolist(), steps, slo_class=rng.integers(0, 4, count), **columns)


def lives(scaled: bool) -> dict[str, Any]:
    """Instances that an autoscaler starts and takes away, or that fail."""
    return {"failures": Failures(), "autoscaling": SCALED} if scaled else {"failures": COMING_AND_GOING}


def came_and_went(result: ResultTable, scaled: bool) -> None:
    """Assert that instances did."""
    if scaled:
        assert result.fleet is not None
        assert {LOADING, DRAINING} & set(result.fleet["state"].tolist())
    else:
        assert result.instances["lost"].sum() > 0


def run(scenario: Scenario, table: RequestTable, observe: Observe | None = None) -> ResultTable:
    """The result, of which nothing breaks a law."""
    result = simulate(scenario, table, observe=observe or Observe())
    assert check_laws(scenario, table, result) == []
    return result


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([3_000.0, 10_000.0, 60_000.0]), st.booleans())
def test_a_request_is_overtaken_only_by_those_that_come_soon_after(seed: int, boost_per_minute: float, scaled: bool):
    """Those of one stay of an instance, since whoever was sent again queues anew."""
    table = crowd(seed, 150)
    result = run(scarce(boost_per_minute, **lives(scaled)), table)
    came_and_went(result, scaled)
    served = result.status == COMPLETED
    assert (served | (result.reason == NO_INSTANCE)).all()  # those who came while everybody was gone
    soon_us = GAP * 60e6 / boost_per_minute
    overtaken = 0
    for i in range(3):
        rows = np.flatnonzero(served & (result.instance == i))
        queued, taken, came = result.queued_us[rows], result.scheduled_us[rows], table.arrival_us[rows]
        overtakes = (queued[:, None] <= taken[None, :]) & (taken[None, :] < taken[:, None])
        assert (came[None, :] - came[:, None])[overtakes].max(initial=0) <= soon_us
        overtaken += int(overtakes.sum())
    assert overtaken > 0


@pytest.mark.parametrize(
    ("coming", "every_us"), [({"failures": Failures()}, 50), (lives(False), 75), (lives(True), 50)]
)
def test_without_age_the_last_tier_starves_while_others_come(coming: dict[str, Any], every_us: float):
    table = crowd(1, 3000, every_us)
    free = table.slo_class == 0
    never, aged = (run(scarce(boost, **coming), table) for boost in (0.0, 3_000.0))
    longest = [int((result.scheduled_us - table.arrival_us)[free].max()) for result in (never, aged)]
    assert longest[0] > 0.6 * int(table.arrival_us.max())  # until nobody comes any more
    assert longest[1] < 0.7 * longest[0]
    waits = [(aged.scheduled_us - table.arrival_us)[table.slo_class == tier].mean() for tier in range(4)]
    assert waits[3] < waits[2] < waits[0]  # who counts more still waits less


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_nobody_is_where_he_may_not_be_and_everybody_where_he_likes_to_be_if_that_is_there(seed: int):
    rng = Random(seed)
    pools = tuple(Pool(rng.randint(1, 2), {"gpu": name}) for name in GPUS)
    kinds = rng.choices(["requires", "avoids", "prefers"], k=4)
    placements = tuple(Placement(**{kind: {"gpu": rng.choice(GPUS)}}) for kind in kinds)
    places = [rng.randrange(4) for _ in range(80)]
    table = replace(crowd(seed, 80, placement=places), placements=placements)
    likes = Routing("weighted", scorers=(Scorer("soft-affinity", 1.0),))
    scenario = replace(scarce(3_000.0, routing=likes, instances=sum(pool.count for pool in pools)), pools=pools)
    result = run(scenario, table, Observe(decisions=True))
    labels = [replica.labels for replica in scenario.replicas]
    assert result.decisions is not None
    for row in np.flatnonzero(result.instance >= 0):
        wanted, chosen = placements[places[row]], labels[result.instance[row]]
        assert wanted.allows(chosen)
        there = [labels[i] for i in np.flatnonzero(result.decisions[row]["eligible"])]
        assert wanted.preference(chosen) == max(map(wanted.preference, there))
    for row in np.flatnonzero(result.reason == NO_INSTANCE):
        assert result.status[row] == REJECTED and result.instance[row] == -1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([8.0, 40.0, 200.0]), st.sampled_from([2_000.0, 20_000.0, 100_000.0]))
def test_customers_keep_their_limits_and_are_told_when_to_come_back(seed: int, capacity: float, refill: float):
    """In no window does a customer get more than a full bucket and what flows into it meanwhile."""
    rng = Random(seed)
    count = 80
    table = crowd(seed, count, tenant=[rng.randrange(3) for _ in range(count)])
    limits = Admission("tenant-token-bucket", 0, {"capacity_tokens": capacity, "refill_tokens_per_s": refill})
    scenario = scarce(6_000.0, ANNOUNCED, admission=limits)
    result = run(scenario, table)
    refused = (result.status == REJECTED) & (result.reason == POLICY)
    for tenant in range(3):
        rows = np.flatnonzero((table.tenant == tenant) & (result.status != REJECTED))
        came, got = table.arrival_us[rows], np.cumsum(table.input_tokens[rows])
        window_us = came[None, :] - came[:, None]
        within = got[None, :] - got[:, None] + table.input_tokens[rows][:, None]
        allowed = capacity + window_us * refill / 1e6 + 1e-6
        assert (within <= allowed)[window_us >= 0].all()
    assert (result.retry_after_us[~refused] == -1).all()
    assert ((result.retry_after_us >= 0) == refused).all()
    for row in np.flatnonzero(refused)[:3]:
        wait_us = int(result.retry_after_us[row])
        assert later(scenario, table, int(row), wait_us).reason[-1] != POLICY  # all instances may be gone then
        assert later(scenario, table, int(row), wait_us - 2).status[-1] == REJECTED


def later(scenario: Scenario, table: RequestTable, row: int, wait_us: int) -> ResultTable:
    """What would become of a request if it came so much later, and nobody in between."""
    rows = np.arange(row + 1)  # those before it come in this order, some at its instant
    arrival_us = table.arrival_us[rows].copy()
    arrival_us[-1] += wait_us
    asked = requests(arrival_us.tolist(), 4, tenant=table.tenant[rows].tolist(), slo_class=table.slo_class[rows])
    asked = replace(asked, slo_names=table.slo_names, tenant_names=table.tenant_names)
    return simulate(scenario, asked)
