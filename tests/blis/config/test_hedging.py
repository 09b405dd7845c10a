"""What is wrong in hedging is said in one line, and so is what it does not go together with."""

import pytest

from blis.config import Autoscaling, Clients, Cluster, Disaggregation, Hedging, KVTransfer, Scenario
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario, scenario_mapping
from tests.blis.engine.plain_times import deployment

GIVEN = {
    "instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [100, 0, 0]}, "kv": {"blocks": 100}},
    "cluster": {"instances": 2, "hedging": {"after_us": 7}},
}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Hedging(after_us=-1), "hedging.after_us must be"),
        (lambda: Hedging(budget=1.5), "hedging.budget must be"),
        (lambda: Hedging(saved=-1), "hedging.saved must be"),
        (
            lambda: together(autoscaling=Autoscaling(maximum=3, concurrency=8)),
            "autoscaling and hedging exclude each other",
        ),
        (lambda: together(clients=Clients(timeout_us=5)), "cluster.hedging: clients that give up or ask again"),
        (
            lambda: together(disaggregation=Disaggregation(prefill_instances=1)),
            "hedging: with prefill and decode apart",
        ),
    ],
)
def test_what_is_wrong_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def together(clients=None, **cluster):
    instance = deployment().instance
    moved = KVTransfer(bytes_per_token=1)
    return Scenario(
        instance, Cluster(2, hedging=Hedging(5), kv_transfer=moved, **cluster), clients=clients or Clients()
    )


def test_scenario_and_bundle_say_it():
    scenario = load_scenario(GIVEN)
    assert scenario.cluster.hedging == Hedging(7) and load_scenario(scenario_mapping(scenario)) == scenario
    bundle = load_bundle({"hedging": {"budget": 0.5}})
    assert apply_bundle(scenario, bundle).cluster.hedging == Hedging(7, 0.5)
    assert (
        "hedging" not in scenario_mapping(apply_bundle(scenario, load_bundle({"hedging": {"after_us": 0}})))["cluster"]
    )
