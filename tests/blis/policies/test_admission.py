"""Every admission policy on situations whose outcome can be told by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blis.policies.admission import ADMISSION, LONGEST_US
from tests.blis.policies.situations import admits, instances, question, scramble

LOW = -1.0


def blank_memory(policy: str) -> Any:
    """Of everybody and two tenants."""
    return np.zeros((3, ADMISSION[policy].memory))


def test_everybody_and_nobody():
    assert admits("always-admit", instances(2), question())
    assert not admits("reject-all", instances(2), question())


def test_a_bucket_starts_full_is_refilled_by_time_and_charges_the_admitted():
    memory, given = blank_memory("token-bucket"), {"capacity_tokens": 100, "refill_tokens_per_s": 1000}

    def asks(now_us, tokens):
        return admits("token-bucket", instances(1), question(now_us=now_us, input_tokens=tokens), memory, **given)

    assert asks(0, 60) and not asks(0, 41) and asks(0, 40)
    assert not asks(9_000, 10) and asks(10_000, 10)
    assert asks(10_000_000, 100) and not asks(10_000_000, 1)


def test_a_bucket_says_when_it_will_hold_enough():
    memory = blank_memory("token-bucket")

    def told(now_us, tokens, **given):
        ask = question(now_us=now_us, input_tokens=tokens)
        return admits("token-bucket", instances(1), ask, memory, capacity_tokens=100, **given), ask.retry_after_us

    assert told(0, 70, refill_tokens_per_s=1000) == (True, -1)
    assert told(0, 35, refill_tokens_per_s=1000) == (False, 5001)
    assert told(5001, 35, refill_tokens_per_s=1000) == (True, -1)
    assert told(6000, 101, refill_tokens_per_s=1000) == (False, -1)
    assert told(6000, 50, refill_tokens_per_s=0) == (False, -1)
    assert told(6000, 50, refill_tokens_per_s=1e-300) == (False, int(LONGEST_US) + 1)


def test_tenants_have_buckets_of_their_own():
    memory, given = blank_memory("tenant-token-bucket"), {"capacity_tokens": 100, "refill_tokens_per_s": 0}

    def asks(tenant):
        ask = question(tenant=tenant, input_tokens=80)
        return admits("tenant-token-bucket", instances(1), ask, memory, **given)

    assert [asks(0), asks(1), asks(0), asks(1)] == [True, True, False, False]


def test_queue_depth_bounds_who_waits_and_says_when_to_come_back():
    views = instances(3, eligible=[1, 1, 0], queue_depth=[2, 1, 90], pending=[0, 1, 9], batch_size=[9, 9, 9])
    assert admits("queue-depth", views, question(now_us=1000), max_queued=5)
    ask = question(now_us=1000, completed=3)
    assert not admits("queue-depth", views, ask, max_queued=4)
    assert ask.retry_after_us == 333
    ask = question(now_us=1000, completed=0)
    assert not admits("queue-depth", views, ask, max_queued=2)
    assert ask.retry_after_us == -1


def test_queue_depth_bounds_tenants():
    ask = question(now_us=1000, completed=3, tenant_in_flight=2)
    assert admits("queue-depth", instances(1), ask, max_tenant_in_flight=3)
    assert not admits("queue-depth", instances(1), ask, max_tenant_in_flight=2)
    assert ask.retry_after_us == -1


@pytest.mark.parametrize(
    ("policy", "views", "given", "open_"),
    [
        ("tier-shed", {"queue_depth": [0, 3], "batch_size": [0, 4], "pending": [9, 1]}, {"max_load": 9}, True),
        ("tier-shed", {"queue_depth": [0, 3], "batch_size": [0, 4], "pending": [9, 1]}, {"max_load": 8}, False),
        ("utilization-shed", {"queue_depth": [5, 4], "kv_utilization": [0, 0.1]}, {}, True),
        ("utilization-shed", {"queue_depth": [5, 4], "kv_utilization": [0, 0.8]}, {}, False),
        ("utilization-shed", {"queue_depth": [0, 12], "kv_utilization": [0, 0]}, {"queue_threshold": 6}, False),
        ("concurrency-shed", {"in_flight": [3, 4]}, {"max_concurrency": 4}, True),
        ("concurrency-shed", {"in_flight": [2, 6]}, {"max_concurrency": 4}, False),
    ],
)
def test_the_lower_tiers_are_shed_under_load(policy, views, given, open_):
    assert admits(policy, instances(2, **views), question(priority=LOW), **given) == open_
    assert admits(policy, instances(2, **views), question(priority=0), **given)
    assert admits(policy, instances(2, **views), question(priority=0), min_priority=1, **given) == open_
    others = instances(3, eligible=[1, 1, 0])
    for name, values in views.items():
        others[name] = [*values, 1000]
    assert admits(policy, others, question(priority=LOW), **given) == open_


@pytest.mark.parametrize(
    ("queue", "number", "given", "open_"),
    [
        (0, 0.0, {}, True),
        (1, 0.095, {}, False),  # 300 * 0.2 ** 5 = 0.096
        (1, 0.097, {}, True),
        (5, 0.999, {}, False),
        (1, 0.5, {"k": 1, "power": 0}, False),
        (9, 0.0, {"k": 0}, True),
    ],
)
def test_the_chance_to_be_shed_grows_with_saturation(queue, number, given, open_):
    views = instances(1, queue_depth=queue)
    assert admits("probabilistic", views, question(priority=LOW, admission=number), **given) == open_
    assert admits("probabilistic", views, question(priority=0, admission=number), **given)


@pytest.mark.parametrize(
    ("mine", "all_", "queue", "open_"),
    [(100, 800, 5, True), (101, 800, 5, False), (101, 800, 4, True), (0, 0, 5, False)],
)
def test_tenants_are_held_to_their_share_while_the_cluster_is_saturated(mine, all_, queue, open_):
    ask = question(priority=LOW, input_tokens=100, tenant_tokens=mine, in_flight_tokens=all_)
    assert admits("tenant-budget", instances(1, queue_depth=queue), ask, share=200 / 900) == open_


@pytest.mark.parametrize("policy", tuple(ADMISSION))
def test_policies_depend_on_what_they_read_alone(policy):
    rng = np.random.default_rng(len(policy))
    for _ in range(30):
        views = instances(3, eligible=[1, 0, 1])
        for name in ("queue_depth", "batch_size", "pending", "in_flight"):
            views[name] = rng.integers(0, 60, 3)
        given = {"now_us": 5, "input_tokens": 3000, "priority": -1, "admission": 0.5, "tenant_tokens": 10}
        before = admits(policy, views, question(**given))
        ask = question(**given)
        scramble(views, ask, ADMISSION[policy].reads, rng)
        assert admits(policy, views, ask) == before


@pytest.mark.parametrize("policy", tuple(ADMISSION))
def test_policies_write_into_their_own_memory_alone(policy):
    slots = ADMISSION[policy].memory
    room = np.zeros((5, slots + 3))
    for tenant in (0, 1, 0):
        ask = question(tenant=tenant, now_us=5, input_tokens=3000, priority=LOW)
        admits(policy, instances(2), ask, room[1:4, :slots])
    room[1:4, :slots] = 0
    assert not room.any()
