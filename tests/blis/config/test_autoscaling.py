"""What is wrong with an autoscaler is said in one line."""

from dataclasses import replace

import pytest

from blis.config import KV, Autoscaling, Cluster, FlowControl, Instance, LatencyModel, Pool, Scenario
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping

INSTANCE = {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 0, 0]}, "kv": {"blocks": 100}}


SHORT = Autoscaling(1, 4, concurrency=1, up_period_us=0, down_period_us=0, down_window_us=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Autoscaling(minimum=-1), "autoscaling.minimum must be"),
        (lambda: Autoscaling(kv_utilization=1.5), "autoscaling.kv_utilization must be"),
        (lambda: Autoscaling(sync_us=0), "autoscaling.sync_us must be"),
        (
            lambda: Cluster(autoscaling=replace(SHORT, sync_us=5000, down_window_us=60_000_000)),
            "autoscaling.down_window_us is 60000000, more than 10,000 times autoscaling.sync_us 5000",
        ),
        (lambda: Cluster(4, autoscaling=Autoscaling(3, 2, concurrency=1)), "autoscaling.minimum is 3, above"),
        (lambda: Cluster(4, autoscaling=Autoscaling(1, 2)), "autoscaling needs a target: one of queue_depth"),
        (lambda: Cluster(4, autoscaling=Autoscaling(0, 2, concurrency=1)), "autoscaling.minimum 0 needs flow_control"),
        (
            lambda: Scenario(
                Instance(LatencyModel(beta=(1, 0, 0)), KV(10)),
                Cluster(2, autoscaling=Autoscaling(1, 2, concurrency=1)),
                (Pool(2),),
            ),
            "cluster.autoscaling and pools exclude each other",
        ),
    ],
)
def test_what_is_wrong_is_said(make, words):
    with pytest.raises(InputError, match=words):
        make()


@pytest.mark.parametrize(
    ("instances", "minimum", "maximum", "places", "at_start"),
    [(4, 1, 0, 4, 4), (4, 1, 8, 8, 4), (4, 6, 8, 8, 6), (4, 1, 3, 3, 3), (4, 0, 2, 2, 2)],
)
def test_there_are_as_many_at_the_start_as_may_be(instances, minimum, maximum, places, at_start):
    scaling = Autoscaling(minimum, maximum, concurrency=1)
    cluster = Cluster(instances, autoscaling=scaling, flow_control=FlowControl(enabled=True))
    assert (cluster.places, cluster.at_start) == (places, at_start)


def test_a_bundle_says_it_key_by_key_and_a_scenario_is_read_back_equal():
    scenario = load_scenario(
        {"instance": INSTANCE, "cluster": {"autoscaling": {"maximum": 4, "queue_depth": 5, "drain_us": 7}}}
    )
    applied = apply_bundle(scenario, load_bundle({"autoscaling": {"queue_depth": 3, "minimum": 2}}))
    assert applied.cluster.autoscaling == Autoscaling(2, 4, queue_depth=3, drain_us=7)
    assert load_scenario(scenario_mapping(applied)) == applied


def test_what_does_not_go_together_is_asked_of_the_whole_and_not_of_what_a_bundle_says_of_it():
    scaling = {"maximum": 4, "queue_depth": 5, "down_window_us": 0, "up_period_us": 0, "down_period_us": 0}
    scenario = load_scenario({"instance": INSTANCE, "cluster": {"autoscaling": scaling}})
    assert apply_bundle(scenario, load_bundle({"autoscaling": {"sync_us": 7}})).cluster.autoscaling.sync_us == 7
