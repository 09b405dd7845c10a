"""The control plane before instances that are elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blis.config import Cluster, FlowControl, Routing, Scorer
from blis.engine.live.control_plane import ControlPlane
from blis.engine.live.rooms import Limits
from blis.tables.records import GATEWAY_FULL, NO_INSTANCE
from tests.blis.engine.live.small import scenario, tokens

PROMPT = tokens(0, 40)


def made(routing: Routing | None = None, flow: FlowControl | None = None, instances: int = 3, **limits: int):
    whole = scenario(instances=instances)
    cluster = Cluster(instances, routing=routing or Routing(), flow_control=flow or FlowControl())
    sizes = {"requests": 64, "nodes": 512, "tokens": 500, "tenants": 3, "sessions": 3, **limits}
    plane = ControlPlane(
        whole.__class__(instance=whole.instance, cluster=cluster),
        ("", "critical"),
        Limits(**sizes, placements=1 + instances),
    )
    for i in range(instances):
        plane.allow(i, True)
    return plane


def weighted(name: str) -> Routing:
    return Routing("weighted", scorers=(Scorer(name, 1.0),))


def come(plane: ControlPlane, now_us: int, prompt=PROMPT, **sender):
    passage = plane.submit(prompt, 5, now_us, **sender)
    plane.advance(now_us)
    return passage


def barred(plane: ControlPlane, *instances: int) -> np.ndarray:
    found = np.zeros(plane.instances, np.bool_)
    found[list(instances)] = True
    return found


def test_the_least_loaded_by_what_is_told_gets_it():
    plane = made(weighted("queue-waiting"))
    for i, waiting in enumerate((5, 1, 3)):
        plane.tell(i, waiting, 0, 0.0, 10)
    assert come(plane, 20).instance == 1
    plane.tell(1, 9, 0, 0.0, 30)
    assert come(plane, 40).instance == 2


def test_who_is_on_the_way_counts_until_the_instance_was_asked_later():
    plane = made(weighted("queue-depth"))
    places = [come(plane, 10 * k).instance for k in range(1, 4)]
    assert sorted(places) == [0, 1, 2]
    plane.tell(places[0], 0, 0, 0.0, 5)  # asked before anybody was sent: still on the way
    assert plane.arrays.instances.pending.tolist() == [1, 1, 1]
    plane.tell(places[0], 0, 0, 0.0, 100)
    assert plane.arrays.instances.pending[places[0]] == 0 and plane.in_flight(places[0]) == 1
    assert come(plane, 110).instance == places[0]


def test_instances_that_are_not_up_get_nothing():
    plane = made(instances=2)
    plane.allow(0, False)
    assert {come(plane, k).instance for k in range(6)} == {1}
    plane.allow(1, False)
    nobody = come(plane, 10)
    assert nobody.rejected and nobody.reason == NO_INSTANCE
    plane.allow(0, True)
    assert come(plane, 20).instance == 0


def test_whoever_sticks_goes_home_while_that_is_up():
    plane = made()
    assert [come(plane, k, home=2, stick=True).instance for k in range(3)] == [2, 2, 2]
    plane.allow(2, False)
    assert come(plane, 10, home=2, stick=True).instance in (0, 1)
    assert come(plane, 11, stick=True).instance in (0, 1)  # no home yet


def test_whoever_sticks_goes_elsewhere_when_his_home_has_failed_him():
    plane = made()
    passage = come(plane, 0, home=2, stick=True)
    assert plane.send_again(passage, barred(plane, 2), 10) and passage.instance in (0, 1)


def test_a_session_is_remembered_by_the_policy_or_told_by_the_caller():
    plane = made(weighted("session-affinity"))
    first = come(plane, 0, session="a", uniform=0.9)
    assert [come(plane, k, session="a").instance for k in (1, 2)] == [first.instance] * 2
    assert come(plane, 3, session="b", home=(first.instance + 1) % 3).instance == (first.instance + 1) % 3


def test_a_prompt_goes_where_its_beginning_went():
    plane = made(weighted("prefix-affinity"))
    home = come(plane, 0, uniform=0.5)
    plane.leave(home, True, 5)
    longer = np.concatenate([PROMPT, tokens(1000, 20)])
    assert come(plane, 10, longer).instance == home.instance


def test_somebody_else_gets_what_an_instance_failed_at():
    plane = made(weighted("queue-waiting"))
    plane.tell(0, 0, 0, 0.0, 1)
    plane.tell(1, 5, 0, 0.0, 1)
    plane.tell(2, 7, 0, 0.0, 1)
    passage = come(plane, 10)
    assert passage.instance == 0
    assert plane.send_again(passage, barred(plane, 0), 20) and passage.instance == 1
    assert [plane.in_flight(i) for i in range(3)] == [0, 1, 0]
    assert plane.arrays.instances.in_flight_tokens.tolist() == [0, 40, 0]
    assert not plane.send_again(passage, barred(plane, 0, 1, 2), 30) and passage.instance == 1
    plane.leave(passage, True, 40)
    assert len(plane) == 0 and not plane.arrays.instances.in_flight_tokens.any()


def test_the_gateway_queue_lets_the_next_one_through_when_one_leaves():
    flow = FlowControl(enabled=True, detector="concurrency", max_concurrency=1, interval_us=1000)
    plane = made(flow=flow, instances=1)
    first, second, third = (plane.submit(PROMPT, 5, k) for k in range(3))
    plane.advance(10)
    assert (first.instance, second.decided, plane.waiting) == (0, False, 2)
    plane.leave(second, False, 20)
    plane.leave(first, True, 30)
    plane.advance(plane.next_us + 1000)
    assert third.instance == 0 and plane.waiting == 0 and len(plane) == 1


def test_news_of_an_instance_lets_the_next_one_through():
    flow = FlowControl(enabled=True, detector="utilization", queue_threshold=2, interval_us=1000)
    plane = made(flow=flow, instances=1)
    plane.tell(0, 5, 0, 0.0, 0)
    waits = come(plane, 10)
    assert not waits.decided
    plane.tell(0, 0, 0, 0.0, 5000)
    plane.advance(7000)
    assert waits.instance == 0


def test_a_band_that_is_full_refuses():
    flow = FlowControl(True, "concurrency", max_concurrency=1, max_requests_per_band=1, interval_us=1000)
    plane = made(flow=flow, instances=1)
    come(plane, 0), come(plane, 1)
    refused = come(plane, 2)
    assert refused.rejected and refused.reason == GATEWAY_FULL


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.booleans()), max_size=80), st.booleans())
def test_nothing_is_left_of_anybody_whatever_happens(steps: list[tuple[int, int, bool]], queued: bool):
    """Counters are those of who is there, through arrivals, failures, news, and leaving in any order."""
    flow = FlowControl(enabled=queued, detector="concurrency", max_concurrency=2, interval_us=1000)
    plane = made(weighted("queue-depth"), flow if queued else None)
    here, now_us = [], 0
    for what, i, yes in steps:
        now_us += 500
        if what <= 1:
            here.append(plane.submit(tokens(100 * i, 20 + i), 5, now_us, tenant=str(i)))
            plane.advance(now_us)
        elif what == 2:
            plane.tell(i, 1, 2, 0.5, now_us - 600 * yes)
        elif what == 3 and here and here[0].instance >= 0 and not here[0].rejected:
            plane.send_again(here[0], barred(plane, here[0].instance), now_us)
        elif here:
            plane.leave(here.pop(i % len(here)), yes, now_us)
        plane.advance(now_us)
        sent = [passage for passage in here if passage.instance >= 0]
        assert [plane.in_flight(k) for k in range(3)] == [sum(p.instance == k for p in sent) for k in range(3)]
        assert plane.arrays.instances.in_flight_tokens.sum() == sum(p.input_tokens for p in sent)
    for passage in here:
        plane.leave(passage, True, now_us)
    assert len(plane) == plane.waiting == 0
    assert not plane.arrays.instances.pending.any() and int(plane.arrays.cluster.waiting) == 0


def test_many_may_be_on_their_way():
    plane = made(requests=4096, nodes=4096)
    passages = [come(plane, k, tokens(0, 8)) for k in range(4000)]
    assert sum(plane.in_flight(i) for i in range(3)) == 4000
    assert plane.send_again(passages[0], barred(plane, passages[0].instance), 5000)
    for passage in passages:
        plane.leave(passage, True, 5000)
    assert len(plane) == 0


@pytest.mark.parametrize("queued", [False, True])
def test_places_in_the_order_of_arrivals_do_not_run_out(queued: bool, monkeypatch):
    monkeypatch.setattr("blis.engine.live.control_plane._MANY", 10)
    flow = FlowControl(enabled=queued, detector="concurrency", max_concurrency=5, interval_us=1000)
    plane = made(flow=flow if queued else None)
    held = come(plane, 0)
    for k in range(1, 100):
        plane.leave(come(plane, 1000 * k), True, 1000 * k)
        assert int(plane.arrays.cluster.next_admission) < 15
    plane.leave(held, True, 10**6)
    assert len(plane) == 0 and come(plane, 10**6 + 1).decided


def test_what_is_told_of_one_plane_s_instances_is_not_told_of_another_s():
    shared = scenario(instances=3)
    planes = [ControlPlane(shared, limits=Limits(16, 64, 64, placements=4)) for _ in range(2)]
    planes[0].size(1, 77)
    assert [int(plane.arrays.engines.blocks[1]) for plane in planes] == [77, 100]
