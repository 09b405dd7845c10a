"""The gateway queue in whole runs, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

import pytest

from blis.config import Admission, Batch, FlowControl, LatencyModel, PriorityBand, Routing, SloTier
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests


def gateway(**given) -> FlowControl:
    """One request at a time."""
    return FlowControl(**{"enabled": True, "max_concurrency": 1, "interval_us": 30} | given)


def run(flow: FlowControl, table, instances=1, **more):
    scenario = deployment(instances, flow_control=flow, **more)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_requests_wait_until_one_of_the_looks_sees_room():
    # 0 runs at 0, 100 and 200, where it ends; the look at 210 is the first to see that, step 4 begins at 300
    result = run(gateway(), requests([0, 10], 3))
    assert result.routed_us.tolist() == [0, 210]
    assert result.scheduled_us.tolist() == [0, 300]
    assert result.reasons() == ["", ""]


def test_a_look_comes_before_the_events_of_its_instant():
    assert run(gateway(interval_us=100), requests([0, 10], 3)).routed_us.tolist() == [0, 300]
    assert run(gateway(interval_us=50), requests([0, 10], 3)).routed_us.tolist() == [0, 250]


def test_an_admission_is_a_look():
    result = run(gateway(interval_us=1000), requests([0, 10, 220], 3))
    assert result.routed_us.tolist() == [0, 220, 1000]


def test_without_a_detector_nobody_waits():
    table = requests([0, 0, 10, 20], 3)
    assert run(gateway(detector="never"), table).routed_us.tolist() == [0, 0, 10, 20]


def test_the_utilization_detector_counts_pending_requests_at_once():
    flow = gateway(detector="utilization", queue_threshold=2, kv_threshold=1, interval_us=10)
    result = run(flow, requests([0, 0, 0], 1), routing=Routing("round-robin"))  # which reads nothing itself
    assert result.routed_us.tolist() == [0, 0, 10]  # two pending fill it; at 10 both are in the batch


def test_the_utilization_detector_takes_the_larger_of_queue_and_cache():
    # at 20 half of the cache is used and one request waits, .625 and .5 of what is allowed; at 30 two wait
    flow = gateway(detector="utilization", queue_threshold=2, kv_threshold=0.8, interval_us=10)
    result = run(flow, requests([0, 10, 20, 30], 5), blocks=4, engine={"batch": Batch(max_running=1)})
    assert result.routed_us.tolist()[:3] == [0, 10, 20]
    assert result.routed_us[3] > 30


@pytest.mark.parametrize(("detector", "given"), [("utilization", {"queue_threshold": 1}), ("concurrency", {})])
def test_the_detector_looks_at_the_mean_of_all_instances(detector, given):
    # one instance is full, the other is not: on average there is room
    result = run(gateway(detector=detector, **given), requests([0, 0, 0], 9), 2)
    assert result.routed_us.tolist()[:2] == [0, 0]
    assert result.routed_us[2] > 0


def test_a_flow_is_served_in_its_order_however_long_it_is():
    result = run(gateway(interval_us=100), requests([0, 1, 2, 3, 4, 5], 2))
    assert result.routed_us.tolist() == [0, 200, 400, 600, 800, 1000]


def test_who_has_waited_too_long_is_expired_by_the_next_look():
    result = run(gateway(ttl_us=100), requests([0, 10, 20], 3))
    assert result.reasons() == ["", "expired", "expired"]
    assert result.status_names() == ["completed", "rejected", "rejected"]
    later = run(gateway(ttl_us=190), requests([0, 10, 20], 3))
    assert later.reasons() == ["", "expired", ""]  # at 210 the first has waited 200, the second 190


def test_who_has_waited_too_long_is_expired_wherever_it_stands():
    tiers = {"soon": SloTier(0, ttft_ms=0.1), "later": SloTier(0, ttft_ms=9)}
    table = requests([0, 10, 60], 9, slo_class=[0, 1, 0], slo_names=("soon", "later"))
    flow = gateway(ttl_us=100, ordering="deadline")  # 1 stands behind 2, came first, and is expired at 120
    for horizon_us, fates in ((119, ["in_transit"] * 2), (120, ["rejected", "in_transit"]), (180, ["rejected"] * 2)):
        found = run(flow, table, slo_tiers=tiers, horizon_us=horizon_us).status_names()
        assert found == ["running", *fates]


def test_who_has_waited_too_long_takes_no_place():
    flow = gateway(ttl_us=100, interval_us=1000, max_requests_per_band=1)
    result = run(flow, requests([0, 10, 110, 111, 212], 30))
    # 1 has waited for 100 µs at 110 and for more at 111; 3 for more at 212
    assert result.reasons() == ["", "expired", "gateway-full", "expired", "expired"]


@pytest.mark.parametrize("detector", [{"detector": "concurrency"}, {"detector": "utilization", "queue_threshold": 1}])
def test_the_gateway_does_not_walk_its_grid_while_nothing_can_change(detector):
    # steps of 1000 s, a look every µs
    slow = {"latency_model": LatencyModel(beta=(1e9, 0, 0)), "batch": Batch(max_running=1)}
    result = run(gateway(interval_us=1, **detector), requests([0, 0, 0, 5], 3), engine=slow)
    assert result.status_names() == ["completed"] * 4
    assert max(result.routed_us) > 10**9


def test_admission_latency_is_no_waiting():
    flow = gateway(ttl_us=110)
    scenario = deployment(flow_control=flow, admission=Admission(latency_us=90))
    assert simulate(scenario, requests([0, 10], 2)).reasons() == ["", ""]  # 10 joins at 100, leaves at 210


def test_a_full_band_refuses_newcomers():
    result = run(gateway(max_requests_per_band=1), requests([0, 10, 20, 250], 3))
    assert result.reasons() == ["", "", "gateway-full", ""]
    assert result.instance.tolist() == [0, 0, -1, 0]


CLASSES = {"slo_names": ("batch", "critical", "gold")}
GOLD = {"gold": SloTier(priority=-1, ttft_ms=1)}


def test_the_most_urgent_band_goes_first():
    table = requests([0, 10, 20], 3, slo_class=[1, 0, 1], **CLASSES)
    assert run(gateway(), table).routed_us.tolist() == [0, 510, 210]


@pytest.mark.parametrize(("ordering", "routed_us"), [("fcfs", [0, 210, 510]), ("deadline", [0, 510, 210])])
def test_order_within_a_band(ordering, routed_us):
    table = requests([0, 10, 20], 3, slo_class=[1, 0, 2], **CLASSES)
    assert run(gateway(ordering=ordering), table, slo_tiers=GOLD).routed_us.tolist() == routed_us


def test_deadlines_order_a_flow_wherever_a_newcomer_belongs():
    table = requests([0, 10, 20, 30, 40], [2, 1, 1, 1, 1], slo_class=[0, 0, 2, 0, 2], **CLASSES)
    result = run(gateway(ordering="deadline", interval_us=100), table, slo_tiers=GOLD)
    assert result.routed_us.tolist() == [0, 400, 200, 500, 300]


@pytest.mark.parametrize(("fairness", "order"), [("global-strict", [1, 2, 3, 4, 5]), ("round-robin", [1, 4, 5, 2, 3])])
def test_tenants_take_turns_or_not(fairness, order):
    table = requests([0, 1, 2, 3, 4, 5], 1, tenant=[2, 0, 0, 0, 1, 2])
    result = run(gateway(fairness=fairness, interval_us=100), table)
    assert sorted(range(1, 6), key=lambda row: result.routed_us[row]) == order


@pytest.mark.parametrize(
    ("bands", "own", "order"),
    [
        ("strict", (), [3, 4, 5, 6, 1, 2]),
        ("weighted", (), [1, 3, 2, 4, 5, 6]),  # one each; request 0 was the first one's
        ("weighted", (PriorityBand(4, 3),), [3, 4, 1, 5, 6, 2]),
        ("weighted", (PriorityBand(-1, 2),), [1, 2, 3, 4, 5, 6]),
        ("strict", (PriorityBand(4, 3),), [3, 4, 5, 6, 1, 2]),
    ],
)
def test_bands_take_turns_by_their_weights_or_not(bands, own, order):
    table = requests(range(7), [2, 1, 1, 1, 1, 1, 1], slo_class=[1, 0, 0, 1, 1, 1, 1], **CLASSES)
    result = run(gateway(bands=bands, priority_bands=own, interval_us=100), table)
    assert sorted(range(1, 7), key=lambda row: result.routed_us[row]) == order


@pytest.mark.parametrize("weights", [(1, 1, 1), (3, 1, 2), (1, 5, 1)])
def test_bands_that_never_run_dry_get_their_shares(weights):
    classes, count = ("critical", "standard", "batch"), 120
    table = requests([0] * count, 1, slo_class=[row % 3 for row in range(count)], slo_names=classes)
    own = tuple(PriorityBand(priority, weight) for priority, weight in zip((4, 3, -1), weights, strict=True))
    result = run(gateway(bands="weighted", priority_bands=own, interval_us=100), table)
    order = sorted(range(count), key=lambda row: result.routed_us[row])
    rounds = 40 // max(weights)  # until the first band is empty
    for number in range(rounds):
        served = [row % 3 for row in order[number * sum(weights) : (number + 1) * sum(weights)]]
        assert served == sorted(served)  # the most urgent first
        assert [served.count(band) for band in range(3)] == list(weights)


def test_a_band_has_a_limit_and_a_time_of_its_own():
    own = (PriorityBand(4, ttl_us=100), PriorityBand(-1, ttl_us=0, max_requests=1))
    table = requests([0, 10, 20, 30, 40], 3, slo_class=[1, 1, 0, 0, 1], **CLASSES)
    result = run(gateway(ttl_us=150, priority_bands=own), table)
    # at 210 those of priority 4 have waited for more than 100 µs, and 2 for ever; 3 found the band of 2 full
    assert result.reasons() == ["", "expired", "", "gateway-full", "expired"]
    assert result.routed_us[2] == 210
    others = run(gateway(ttl_us=150, priority_bands=own[:1]), table)
    assert others.reasons() == ["", "expired", "expired", "expired", "expired"]


def test_whoever_expires_first_is_expired_then_whatever_stands_before_it():
    own = (PriorityBand(4, ttl_us=50),)
    table = requests([0, 10, 20], 9, slo_class=[1, 0, 1], **CLASSES)  # 1 comes first and may wait longer
    for horizon_us, fates in ((89, ["in_transit"] * 2), (90, ["in_transit", "rejected"])):
        found = run(gateway(ttl_us=500, priority_bands=own), table, horizon_us=horizon_us).status_names()
        assert found == ["running", *fates]


def test_requests_at_the_gateway_are_in_flight_for_their_tenant():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 2})
    table = requests([0, 10, 20, 30, 240], 3, tenant=[0, 0, 0, 1, 0])
    result = run(gateway(), table, admission=admission)
    assert result.reasons() == ["", "", "policy", "", ""]


def test_an_expired_request_is_in_flight_no_more():
    admission = Admission("queue-depth", parameters={"max_tenant_in_flight": 2})
    table = requests([0, 10, 150], 3, tenant=[0, 0, 0])
    assert run(gateway(ttl_us=100), table, admission=admission).reasons() == ["", "expired", ""]


def test_a_horizon_leaves_requests_at_the_gateway():
    result = run(gateway(), requests([0, 10], 3), horizon_us=150)
    assert result.status_names() == ["running", "in_transit"]
    assert result.end_us == 150
