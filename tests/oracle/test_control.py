"""The oracle's front end in whole runs: freshness of signals, the gateway queue, reasons, observers, forced rows.

A step takes 1000 µs (250 µs in the gateway's tests) whatever it holds, so that every time can be told by hand.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from blis.config import FlowControl, SloTier
from blis.tables.placement import Placement
from blis.tables.records import REASONS
from tests.oracle import OracleRequest, Setup, simulate
from tests.oracle.setup import Machine

SETUP = Setup(alpha=(0, 0, 0), beta=(1000, 0, 0), kv_blocks=8, block_size_tokens=4, instances=2, routing="least-loaded")


def request(arrival_us, tokens=4, outputs=1, first=None, **fields):
    begin = arrival_us * 1000 if first is None else first
    prompt = tuple(range(begin, begin + tokens))
    return OracleRequest(arrival_us, prompt, tuple(range(-1, -1 - outputs, -1)), **fields)


def reasons(result):
    return [REASONS[code] for code in result.reason]


# -- signals


def test_the_periodic_snapshot_is_refreshed_when_its_interval_has_passed():
    kv = replace(SETUP, routing="weighted", scorers=(("kv-utilization", 1.0),), snapshot_refresh_us=100)
    times = [0, 99, 100, 150, 200]  # refreshed at 100 and 200 only
    assert simulate(kv, [request(time, 4, 9) for time in times]).instance == [0, 0, 1, 1, 0]
    live = simulate(replace(kv, snapshot_refresh_us=0), [request(time, 4, 9) for time in times])
    assert live.instance == [0, 1, 0, 0, 0]  # those that wait hold nothing yet: a tie


def test_a_lazy_refresh_also_happens_at_admissions():
    kv = replace(SETUP, routing="weighted", scorers=(("kv-utilization", 1.0),), snapshot_refresh_us=100)
    late = replace(kv, routing_latency_us=60)
    # the admission at 120 refreshes, so that the routing at 180 does not, although 0 has begun a step at 160
    views = {}
    requests = [request(100, 4, 9), request(120, 4, 9), request(165, 4, 9)]
    simulate(late, requests, on_decision=lambda row, _, seen: views.update({row: [each.kv for each in seen]}))
    assert views == {0: [0.0, 0.0], 1: [0.0, 0.0], 2: [0.125, 0.0]}


def test_the_kv_signal_is_read_on_its_grid():
    aged = replace(SETUP, routing="weighted", scorers=(("kv-utilization", 1.0),), kv_age_us=50)
    times = [10, 49, 50, 60, 100]
    assert simulate(aged, [request(time, 4, 9) for time in times]).instance == [0, 0, 1, 1, 0]


def test_the_cache_signal_is_the_cache_as_it_was_on_the_grid():
    setup = replace(SETUP, kv_blocks=50)
    seen = {}

    def note(row, _, views):
        seen[row] = [view.cache for view in views]

    # keys appear when the step begins that computes them: on 0 at 0 and at 4999 (row 2), on 1 at 4001
    requests = [request(0, 9, 1, first=0), request(3999, 9, 1, first=0)]
    requests += [request(4000, 17, 1, first=0), request(4001, 4, 1, first=0), request(5100, 17, 1, first=0)]
    simulate(replace(setup, cache_age_us=4000), requests, on_decision=note)
    assert seen == {0: [0, 0], 1: [0, 0], 2: [2, 0], 3: [1, 0], 4: [2, 0]}
    simulate(setup, requests, on_decision=note)
    assert seen == {0: [0, 0], 1: [2, 0], 2: [2, 0], 3: [1, 0], 4: [4, 1]}


def test_precise_prefix_cache_knows_what_was_evicted_and_the_router_s_index_does_not():
    small = replace(SETUP, kv_blocks=4, routing="weighted")
    # the first prompt goes to 0, the second pushes it out there, the third repeats the first
    requests = [request(0, 12, 1, first=0), request(5000, 16, 1, first=500), request(9000, 12, 1, first=0)]
    truth, belief = {}, {}

    def note(row, _, views):
        truth[row], belief[row] = [v.cache for v in views], [v.matched_blocks for v in views]

    simulate(replace(small, scorers=(("precise-prefix-cache", 1.0),)), requests, on_decision=note)
    assert (truth[2], belief[2]) == ([0, 0], [3, 0])


def test_a_completion_shows_at_the_start_of_the_step_that_makes_it():
    views = {}
    requests = [request(0, 4, 2), request(500), request(1000), request(1001)]
    simulate(
        replace(SETUP, instances=1),
        requests,
        on_decision=lambda row, _, seen: views.update({row: (seen[0].batch_size, seen[0].in_flight)}),
    )
    # the step from 1000 to 2000 gives the last tokens of the first three
    assert views == {0: (0, 0), 1: (1, 1), 2: (1, 2), 3: (0, 0)}


def test_requests_on_their_way_are_pending():
    slow = replace(SETUP, alpha=(30, 0, 0))
    views = {}
    requests = [request(0, 5, 2), request(1, 6), request(2, 7), request(31, 8)]
    simulate(slow, requests, on_decision=lambda row, _, seen: views.update({row: seen}))
    assert [view.pending for view in views[2]] == [1, 1]
    assert [view.pending for view in views[3]] == [1, 1]  # row 1 enters at 31 too, but after the front end's events
    assert [view.in_flight_tokens for view in views[3]] == [5 + 7, 6]
    assert [view.score for view in views[3]] == [-2, -1]


def test_a_request_that_can_never_fit_is_pending_until_it_is_dropped():
    slow = replace(SETUP, alpha=(30, 0, 0))
    views = {}
    requests = [request(0, 99), request(29), request(31)]
    result = simulate(slow, requests, on_decision=lambda row, _, seen: views.update({row: seen}))
    assert result.status_names() == ["dropped", "completed", "completed"]
    assert [(view.pending, view.in_flight) for view in (views[1][0], views[2][0])] == [(1, 1), (0, 0)]


# -- placement and admission


def test_requests_run_only_where_their_labels_allow():
    machines = [{"gpu": "H100", "lora": ["x", "y"]}, {"gpu": "A100"}, {"gpu": "H100"}]
    setup = replace(SETUP, instances=3, machines=tuple(Machine((0, 0, 0), (1000, 0, 0), labels=m) for m in machines))
    wishes = [
        Placement(requires={"gpu": "A100"}),
        Placement(requires={"lora": "y"}),
        Placement(avoids={"gpu": "H100"}),
        Placement(requires={"gpu": "H100"}, avoids={"lora": "x"}),
        Placement(requires={"gpu": "B200"}),
        Placement(requires={"gpu": "A100"}, avoids={"gpu": "A100"}),
    ]
    result = simulate(setup, [request(time, placement=wish) for time, wish in enumerate(wishes)])
    assert result.instance == [1, 0, 1, 2, -1, -1]
    assert reasons(result) == ["", "", "", "", "no-instance", "no-instance"]


def test_nobody_eligible_is_not_for_the_policy_to_decide():
    numbers = {"capacity_tokens": 10.0, "refill_tokens_per_s": 0.0}
    bucket = replace(SETUP, admission="token-bucket", admission_parameters=numbers)
    nowhere = Placement(requires={"gpu": "B200"})
    result = simulate(bucket, [request(0, 8, placement=nowhere), request(1, 8), request(2, 8)])
    assert reasons(result) == ["no-instance", "", "policy"]
    assert result.status_names() == ["rejected", "completed", "rejected"]
    assert result.routed_us == [-1, 1, -1]


def test_a_full_queue_says_when_to_come_back():
    full = replace(SETUP, instances=1, max_running=1, admission="queue-depth", admission_parameters={"max_queued": 2})
    requests = [request(0, 4, 3), *(request(time) for time in (10, 20, 2500, 2600))]
    result = simulate(full, requests)
    # row 0 is done as of 2000, row 1 runs from 3000 on
    assert result.status_names() == ["completed", "completed", "completed", "rejected", "rejected"]
    assert result.retry_after_us == [-1, -1, -1, 2500, 2600]


# -- the gateway queue

STEPS = replace(SETUP, beta=(250, 0, 0), instances=1)
GATE = partial(FlowControl, enabled=True, max_concurrency=1.0, interval_us=100)
TIERS = {"high": SloTier(2.0, ttft_ms=1.0), "low": SloTier(-2.0, ttft_ms=0.5), "same": SloTier(2.0, ttft_ms=0.2)}


def gated(requests, instances=1, **control):
    setup = replace(STEPS, instances=instances, slo_tiers=TIERS, flow_control=GATE(**control))
    return simulate(setup, requests)


def test_whoever_waits_at_the_gateway_is_let_in_at_its_next_look():
    result = gated([request(0, 4, 2), request(10), request(20), request(420)])
    # row 0 is done as of 250 (its last step's begin), seen at 300; row 1 runs from 500 on, so it is gone at 600
    assert result.routed_us == [0, 300, 600, 800]
    assert [at - sent for at, sent in zip(result.scheduled_us, result.routed_us, strict=True)] == [0, 200, 150, 200]
    assert result.status_names() == ["completed"] * 4


def test_without_a_detector_nobody_waits():
    result = gated([request(0, 4, 9), request(0), request(1)], detector="never")
    assert result.routed_us == [0, 0, 1]


def test_an_arrival_lets_the_gateway_look_at_once():
    result = gated([request(0, 4, 2), request(10), request(270)], interval_us=10_000)
    assert result.routed_us == [0, 270, 10_000]


def test_the_utilization_detector_counts_waiting_and_pending_requests_and_blocks():
    control = {"detector": "utilization", "queue_threshold": 2.0, "kv_threshold": 0.5}
    two = gated([request(0, 4, 4), request(0), request(0)], instances=1, **control)
    assert two.routed_us == [0, 0, 100]  # two pending; all run from 0 on, and 2 of 8 blocks are half of .5
    blocks = gated([request(0, 13, 2, first=0), request(10), request(240)], **control)
    assert blocks.routed_us == [0, 300, 300]  # 4 of 8 blocks until 250


def test_the_detector_looks_at_the_mean_of_all_instances():
    result = gated([request(0, 4, 4), request(1, 4, 4), request(2)], instances=2)
    assert (result.instance, result.routed_us[:2]) == ([0, 1, 0], [0, 1])
    assert result.routed_us[2] == 800  # 0 is done as of 750
    fast = replace(STEPS, instances=2, flow_control=GATE(max_concurrency=1.5))
    assert simulate(fast, [request(0, 4, 4), request(1, 4, 4), request(2)]).routed_us[2] == 2  # 2 of 3


def test_higher_bands_go_first_and_fcfs_within():
    requests = [
        request(0, 4, 2),
        request(1, slo_class="low"),
        request(2, slo_class="high"),
        request(3, slo_class="low"),
    ]
    requests.append(request(4, slo_class="same"))
    order = gated(requests).routed_us
    assert sorted(range(5), key=order.__getitem__) == [0, 2, 4, 1, 3]


def test_deadlines_order_within_a_band():
    requests = [request(0, 4, 2), request(1, slo_class="high"), request(2, slo_class="same")]
    assert gated(requests).routed_us[1] < gated(requests).routed_us[2]
    deadline = gated(requests, ordering="deadline").routed_us
    assert deadline[2] < deadline[1]  # 1001 µs and 202 µs


def test_round_robin_takes_turns_among_tenants_of_a_band():
    tenants = [1, 2, 2, 2, 0, 0, 1]
    requests = [request(0, 4, 2, tenant=1)] + [request(1 + k, tenant=t) for k, t in enumerate(tenants)]

    def order(**control):
        routed = gated(requests, **control).routed_us
        return sorted(range(len(requests)), key=routed.__getitem__)

    assert order() == [0, 1, 2, 3, 4, 5, 6, 7]
    # tenant 1 was served first (row 0); then 2, 0, 1, 2, 0, 1, 2
    assert order(fairness="round-robin") == [0, 2, 5, 1, 3, 6, 7, 4]


def test_every_band_has_its_own_turn():
    requests = [request(0, 4, 2, tenant=1, slo_class="low")]
    requests += [request(1, tenant=t, slo_class=c) for c in ("high", "low") for t in (0, 1)]
    routed = gated(requests, fairness="round-robin").routed_us
    assert sorted(range(5), key=routed.__getitem__) == [0, 1, 2, 3, 4]  # high begins with 0, low goes on after 1


def test_a_full_band_rejects_the_newcomer_but_not_other_bands():
    requests = [request(0, 4, 9), *(request(time, slo_class="high") for time in (1, 2, 3)), request(4, slo_class="low")]
    result = gated([*requests, request(5, slo_class="same")], max_requests_per_band=2)
    assert reasons(result) == ["", "", "", "gateway-full", "", "gateway-full"]
    assert result.instance[3] == result.routed_us[3] == result.retry_after_us[3] == -1


def test_who_has_waited_too_long_takes_no_place_in_its_band():
    control = {"max_requests_per_band": 1, "ttl_us": 50, "interval_us": 1000}
    result = gated([request(0, 4, 9), request(1), request(900), request(1000), request(1001)], **control)
    # whoever comes at 900 and 1000 finds the one before expired, whoever comes at 1001 does not
    assert reasons(result) == ["", "expired", "expired", "expired", "gateway-full"]


def test_waiting_longer_than_the_ttl_is_an_end():
    late = replace(STEPS, admission_latency_us=50, flow_control=GATE(ttl_us=150))
    result = simulate(late, [request(0, 4, 9), request(100), request(101)])
    # they join at 150 and 151: at 300 exactly 150 µs have passed for one, 149 for the other
    assert reasons(result) == ["", "expired", "expired"]
    waited = simulate(replace(late, horizon_us=399), [request(0, 4, 9), request(100), request(101)])
    assert waited.status_names() == ["running", "in_transit", "in_transit"]
    exact = simulate(
        replace(late, flow_control=GATE(ttl_us=249), horizon_us=400), [request(0, 4, 9), request(100), request(101)]
    )
    assert exact.status_names() == ["running", "rejected", "in_transit"]


def test_whoever_has_waited_too_long_expires_wherever_it_stands_in_its_flow():
    requests = [request(0, 4, 9), request(1, slo_class="high"), request(60, slo_class="same")]
    control = {"ttl_us": 150, "ordering": "deadline"}
    # at 200 "same" (deadline 260) has waited 140 µs and stands before "high" (deadline 1001), which has waited 199
    for horizon_us, fates in ((199, ["in_transit"] * 2), (200, ["rejected", "in_transit"]), (300, ["rejected"] * 2)):
        setup = replace(STEPS, slo_tiers=TIERS, flow_control=GATE(**control), horizon_us=horizon_us)
        assert simulate(setup, requests).status_names() == ["running", *fates]


def test_a_stale_signal_lets_too_many_in_and_a_lazy_one_is_refreshed_by_looks():
    control = GATE(detector="utilization", kv_threshold=0.125, queue_threshold=1e9)
    lazy = replace(STEPS, flow_control=control, snapshot_refresh_us=120)
    result = simulate(lazy, [request(0, 4, 2), request(130), request(131), request(140)])
    # 130: read, one block of eight is in use: no room; the next reading is due at 250, so the look at 300 sees none
    assert result.routed_us == [0, 300, 300, 300]


def test_rejected_at_the_gateway_is_no_longer_in_flight():
    budget = replace(
        STEPS,
        admission="queue-depth",
        admission_parameters={"max_tenant_in_flight": 2},
        flow_control=GATE(ttl_us=50),
    )
    requests = [request(0, 4, 9, tenant=3), *(request(time, tenant=3) for time in (10, 20, 110))]
    result = simulate(budget, requests)
    assert reasons(result) == ["", "expired", "policy", "expired"]


def test_requests_at_the_gateway_when_the_horizon_comes_are_in_transit():
    setup = replace(STEPS, flow_control=GATE(), horizon_us=90)
    result = simulate(setup, [request(0, 4, 2), request(10)])
    assert result.status_names() == ["running", "in_transit"]
    assert (result.end_us, result.routed_us) == (90, [0, -1])


# -- observers and forced rows


def test_samples_show_the_state_before_the_events_of_their_instant():
    setup = replace(STEPS, flow_control=GATE(ttl_us=150))
    result = simulate(setup, [request(0, 4, 3), request(10), request(600)], sample_us=100)
    # row 0 is done as of 500; row 1 expires at 200; row 2 waits from 600 for the step from 750 to 1000, and ends it
    assert [sample.time_us for sample in result.samples] == [100 * k for k in range(11)]
    assert [sample.at_gateway for sample in result.samples] == [0, 1, 1] + [0] * 8
    assert [sample.rejected for sample in result.samples] == [0, 0, 0] + [1] * 8
    assert [sample.batch_size for sample in result.samples] == [[0]] + [[1]] * 5 + [[0]] * 5
    assert [sample.used_blocks for sample in result.samples] == [[0]] + [[1]] * 2 + [[2]] * 3 + [[0]] * 5
    assert [sample.queue_depth for sample in result.samples] == [[0]] * 7 + [[1]] + [[0]] * 3


def test_a_forced_row_goes_where_it_is_told_and_the_rest_follows():
    requests = [request(time, 4, 9) for time in (0, 1, 2, 3)]
    assert simulate(SETUP, requests).instance == [0, 1, 0, 1]
    assert simulate(SETUP, requests, forced={0: 1}).instance == [1, 0, 0, 1]
    turns = replace(SETUP, routing="round-robin")
    assert simulate(turns, requests, forced={1: 0}).instance == [0, 0, 0, 1]
    decisions = []
    simulate(SETUP, requests, forced={3: 0}, on_decision=lambda row, now, views: decisions.append((row, now, views)))
    assert [(row, now) for row, now, _ in decisions] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert [view.score for view in decisions[3][2]] == [-2, -1]


def test_forcing_the_choice_of_the_policy_changes_nothing():
    requests = [request(37 * k, 4 + k, 1 + k % 5, session=k % 3) for k in range(20)]
    setup = replace(SETUP, routing="session-affinity", instances=3)
    plain = simulate(setup, requests)
    assert simulate(setup, requests, forced=dict(enumerate(plain.instance))) == plain


@pytest.mark.parametrize("seen", [True, False])
def test_observers_change_nothing(seen):
    requests = [request(37 * k, 4 + k, 1 + k % 5) for k in range(20)]
    setup = replace(SETUP, routing="weighted", snapshot_refresh_us=100)
    result = simulate(setup, requests, on_decision=(lambda *_: None) if seen else None, sample_us=13 * seen)
    assert replace(result, samples=[]) == simulate(setup, requests)
