"""The oracle's admission policies on situations with numbers worked out by hand."""

from __future__ import annotations

import pytest

from blis.config import SloTier
from blis.tables.records import COMPLETED, DROPPED, REJECTED
from tests.oracle import Setup
from tests.oracle.admission import Admission
from tests.oracle.fakes import Seen, job

ALL = (0, 1)


def policy(name, view, *, tiers=None, first_arrival_us=0, **given):
    setup = Setup(
        alpha=(0, 0, 0),
        instances=len(view),
        admission=name,
        admission_parameters=given,
        slo_tiers=tiers or {},
    )
    return Admission(setup, view, first_arrival_us)


def test_everybody_and_nobody():
    assert policy("always-admit", Seen([9, 9])).admits(job(), 0, ALL)
    assert not policy("reject-all", Seen([0, 0])).admits(job(), 0, ALL)


def test_a_bucket_is_shared_and_refilled_with_time():
    bucket = policy("token-bucket", Seen([0, 0]), capacity_tokens=40.0, refill_tokens_per_s=1000.0)
    asked = [(0, 30), (0, 11), (1000, 11), (100_000, 41), (100_000, 40), (100_000, 0)]
    assert [bucket.admits(job(tokens=tokens), now, ALL) for now, tokens in asked] == [
        True, False, True, False, True, True,
    ]  # fmt: skip


def test_every_tenant_has_a_bucket():
    bucket = policy("tenant-token-bucket", Seen([0, 0]), capacity_tokens=40.0, refill_tokens_per_s=1000.0)
    asked = [(0, 0, 40), (0, 1, 40), (5000, 0, 6), (5000, 1, 5), (6000, 0, 6)]
    admitted = [bucket.admits(job(tokens=tokens, tenant=tenant), now, ALL) for now, tenant, tokens in asked]
    assert admitted == [True, True, False, True, True]


def test_a_bucket_tells_when_it_will_hold_enough():
    bucket = policy("token-bucket", Seen([0, 0]), capacity_tokens=40.0, refill_tokens_per_s=1000.0)
    assert bucket.admits(job(tokens=35), 0, ALL) and bucket.retry_after_us == -1
    assert not bucket.admits(job(tokens=8), 0, ALL)
    assert bucket.retry_after_us == 3001  # 3 tokens are missing, 1 ms each
    assert not bucket.admits(job(tokens=8), 2999, ALL)
    assert bucket.admits(job(tokens=8), 3001, ALL)
    assert not bucket.admits(job(tokens=41), 100_000, ALL)
    assert bucket.retry_after_us == -1  # never
    dry = policy("token-bucket", Seen([0, 0]), capacity_tokens=40.0, refill_tokens_per_s=0.0)
    assert dry.admits(job(tokens=40), 0, ALL)
    assert not dry.admits(job(tokens=1), 0, ALL)
    assert dry.retry_after_us == -1


def test_bounded_queue_tells_when_to_come_back():
    view = Seen([3, 2], on_the_way=[0, 1], completed=4)
    bounded = policy("queue-depth", view, max_queued=6)
    assert not bounded.admits(job(), 10_001, ALL)
    assert bounded.retry_after_us == 2500  # (0 + 1) x 10001 / 4 = 2500.25
    view.queue[0] = 5
    assert not bounded.admits(job(), 10_001, ALL)
    assert bounded.retry_after_us == 7500  # excess 2
    view.completed = 0
    assert not bounded.admits(job(), 10_001, ALL)
    assert bounded.retry_after_us == -1
    assert bounded.admits(job(), 10_001, (0,))  # its own instances hold 5
    assert bounded.retry_after_us == -1


def test_the_pace_of_a_run_counts_from_its_first_arrival():
    view = Seen([3, 3], completed=4)
    late = policy("queue-depth", view, max_queued=6, first_arrival_us=1_700_000_000_000_000)
    assert not late.admits(job(), 1_700_000_000_010_001, ALL)
    assert late.retry_after_us == 2500


def test_a_tenant_may_have_so_many_in_flight():
    bounded = policy("queue-depth", Seen([0, 0], completed=3), max_tenant_in_flight=2)
    first, second = job(0, tenant=1), job(1, tenant=1)
    assert bounded.admits(first, 5, ALL) and bounded.admits(second, 5, ALL)
    assert not bounded.admits(job(2, tenant=1), 5, ALL)
    assert bounded.retry_after_us == -1
    assert bounded.admits(job(3, tenant=0), 5, ALL)
    for status in (COMPLETED, DROPPED, REJECTED):
        first.status = status
        first = job(4, tenant=1)
        assert bounded.admits(first, 5, ALL)
        assert not bounded.admits(job(5, tenant=1), 5, ALL)


CLASSES = ("critical", "standard", "", "batch", "sheddable", "background")


def admitted_classes(shed, view, **given):
    return [name for name in CLASSES if policy(shed, view, **given).admits(job(slo_class=name), 0, ALL)]


@pytest.mark.parametrize(
    ("shed", "below", "above", "given"),
    [
        ("tier-shed", Seen([9, 0], batch=[1, 0]), Seen([9, 0], batch=[1, 0], on_the_way=[1, 0]), {"max_load": 10}),
        # mean of max(4 / 5, .08 / .8) = .8 and max(1 / 5, .88 / .8) = 1.1 is .95
        ("utilization-shed", Seen([4, 1], used=[0.08, 0.88]), Seen([5, 1], used=[0.08, 0.88]), {}),
        ("utilization-shed", Seen([2, 1]), Seen([2, 2]), {"queue_threshold": 2}),
        ("concurrency-shed", Seen([0, 0], active=[5, 2]), Seen([0, 0], active=[5, 3]), {"max_concurrency": 4}),
    ],
)
def test_less_important_classes_are_shed_under_load(shed, below, above, given):
    assert admitted_classes(shed, below, **given) == list(CLASSES)
    assert admitted_classes(shed, above, **given) == ["critical", "standard", ""]
    assert admitted_classes(shed, above, min_priority=3.5, **given) == ["critical"]
    assert admitted_classes(shed, above, min_priority=-1, **given) == ["critical", "standard", "", "batch"]
    assert admitted_classes(shed, above, tiers={"critical": SloTier(-1.0), "batch": SloTier(0.0)}, **given) == [
        "standard", "", "batch",
    ]  # fmt: skip


def test_load_counts_on_instances_that_may_run_the_request():
    shed = policy("tier-shed", Seen([9, 0]), max_load=5)
    assert shed.admits(job(slo_class="batch"), 0, (1,))
    assert not shed.admits(job(slo_class="batch"), 0, (0,))
    shed = policy("concurrency-shed", Seen([0, 0], active=[3, 1]), max_concurrency=2)
    assert [shed.admits(job(slo_class="batch"), 0, among) for among in ((0,), (1,), ALL)] == [False, True, False]


@pytest.mark.parametrize(("number", "admitted"), [(0.0, False), (0.3749, False), (0.375, True), (0.9, True)])
def test_shedding_by_chance(number, admitted):
    view = Seen([1, 0])  # saturation (1 / 2 + 0) / 2 = 1 / 4; 6 x (1 / 4)² = .375
    shed = policy("probabilistic", view, queue_threshold=2, power=2, k=6)
    assert shed.admits(job(slo_class="batch", draws={"admission": number}), 0, ALL) == admitted
    assert shed.admits(job(slo_class="standard", draws={"admission": number}), 0, ALL)
    view.queue[:] = [2, 2]
    assert not shed.admits(job(slo_class="batch", draws={"admission": 0.999}), 0, ALL)


def test_an_idle_cluster_sheds_nobody_by_chance():
    shed = policy("probabilistic", Seen([0, 0]))
    assert shed.admits(job(slo_class="batch", draws={"admission": 0.0}), 0, ALL)


def test_tenants_above_their_share_are_shed_when_saturated():
    view = Seen([5, 5])
    shed = policy("tenant-budget", view, share=0.5)
    assert shed.admits(job(0, tokens=60, tenant=0, slo_class="standard"), 0, ALL)
    assert shed.admits(job(1, tokens=40, tenant=1, slo_class="standard"), 0, ALL)
    small = {"tokens": 20, "slo_class": "batch"}
    assert shed.admits(job(2, tenant=1, **small), 0, ALL)  # 40 + 20 is .5 of 100 + 20
    assert not shed.admits(job(3, tenant=1, **small), 0, ALL)  # 60 + 20 of 140
    assert not shed.admits(job(4, tenant=0, **small), 0, ALL)
    assert shed.admits(job(5, tenant=2, **small), 0, ALL)
    view.queue[0] = 4
    assert shed.admits(job(6, tenant=0, **small), 0, ALL)  # not saturated
