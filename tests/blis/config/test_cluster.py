"""The control plane refuses what does not go together, and names the key."""

import pytest

from blis.config import Admission, Cluster, Filter, FlowControl, PriorityBand, Routing, Scorer, Signal, Signals
from blis.errors import InputError

QUEUE = Scorer("queue-depth", 1.0)
GATEWAY = FlowControl(enabled=True)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Scorer("queue-dept", 1), "did you mean 'queue-depth'"),
        (lambda: Scorer("queue-depth", 0), "weight of routing scorer 'queue-depth' must be > 0"),
        (lambda: Filter("laod"), "did you mean 'load'"),
        (lambda: Filter("load", {"maximum": 3}), "maximum"),
        (lambda: Admission("token-bucket", parameters={"capacity_tokens": -1}), "capacity_tokens of admission policy"),
        (lambda: Admission("token-bukket"), "did you mean 'token-bucket'"),
        (lambda: Admission("always-admit", parameters={"max_load": 1}), "max_load"),
        (lambda: Admission(latency_us=-1), "admission.latency_us must be"),
        (lambda: Scorer("load-aware", 1, {"treshold": 3}), "did you mean 'threshold'"),
        (lambda: Scorer("load-aware", 1, {"threshold": 0}), "threshold of routing scorer 'load-aware' must be"),
        (lambda: FlowControl(detector="nevr"), "did you mean 'never'"),
        (lambda: FlowControl(bands="weigthed"), "flow_control.bands .*did you mean 'weighted'"),
        (lambda: FlowControl(priority_bands=(PriorityBand(3), PriorityBand(3, 2))), "priority_bands names 3 twice"),
        (lambda: PriorityBand(3, weight=0), "weight must be"),
        (lambda: PriorityBand(float("nan")), "priority must be"),
        (lambda: PriorityBand(3, ttl_us=-1), "ttl_us must be"),
        (lambda: PriorityBand(3, max_requests=0), "max_requests must be"),
        (lambda: Routing(prefix_index_block_tokens=-1), "routing.prefix_index_block_tokens must be"),
        (lambda: Routing(prefix_index_max_tokens=-1), "routing.prefix_index_max_tokens must be"),
        (lambda: FlowControl(kv_threshold=1.5), "flow_control.kv_threshold must be"),
        (lambda: FlowControl(interval_us=0), "flow_control.interval_us must be"),
        (lambda: Signal(-1), "age_us must be"),
        (lambda: Routing(picker="weighted-random"), "needs policy 'weighted'"),
        (lambda: Routing("weighted", scorers=()), "must not be empty with policy 'weighted'"),
        (lambda: Routing(scorers=(QUEUE, QUEUE)), "routing.scorers names 'queue-depth' twice"),
        (lambda: Routing(filters=(Filter("load"), Filter("load"))), "routing.filters names 'load' twice"),
        (lambda: Routing(tie_break="last"), "routing.tie_break"),
        (lambda: Routing(snapshot_refresh_us=5, signals=Signals(kv=Signal(5))), "exclude each other"),
        (lambda: Cluster(instances=0), "cluster.instances must be"),
        (
            lambda: Cluster(flow_control=FlowControl(enabled=True), routing=Routing(latency_us=5)),
            "latency_us must be 0",
        ),
    ],
)
def test_mistakes_name_the_key(make, problem):
    with pytest.raises(InputError, match=problem):
        make()


def test_what_a_band_leaves_out_is_as_everywhere():
    flow = FlowControl(ttl_us=7, max_requests_per_band=9, priority_bands=(PriorityBand(3, 2, ttl_us=0),))
    assert flow.band(3) == PriorityBand(3, 2, ttl_us=0, max_requests=9)
    assert flow.band(4) == PriorityBand(4, 1, ttl_us=7, max_requests=9)


def test_two_lazy_ways_to_read_a_signal_go_together_where_only_one_is_used():
    assert Routing(snapshot_refresh_us=5).signals.kv.age_us == 0
    assert Routing(signals=Signals(kv=Signal(5))).snapshot_refresh_us == 0
