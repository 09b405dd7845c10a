from __future__ import annotations

from typing import Any

import pytest

from blis.config import Breaker, Retries
from blis.errors import InputError
from blis.gateway.scenario import AGAIN, BREAKER, any_scenario, before_servers, with_unsaid
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle, load_scenario
from tests.places import CONF

CLUSTER = CONF / "cluster" / "h100x4.yaml"


def test_signals_are_as_old_as_they_are():
    told = before_servers(load_scenario(CLUSTER), 7)
    assert told.cluster.instances == 7 and told.cluster.routing.latency_us == 0
    assert told.cluster.routing.signals.kv.age_us == 0


@pytest.mark.parametrize("path", sorted((CONF / "policy").glob("*.yaml")), ids=lambda path: path.stem)
def test_policies_of_ours_go_before_servers_or_say_what_does_not(path):
    scenario = apply_bundle(load_scenario(CLUSTER), load_bundle(path))
    try:
        assert before_servers(scenario, 2).cluster.instances == 2
    except InputError as error:
        assert any(word in str(error) for word in ("caches", "labels", "LoRA adapters"))


def weighted(name: str) -> dict[str, Any]:
    return {"routing": {"policy": "weighted", "scorers": [{"name": name, "weight": 1.0}]}}


@pytest.mark.parametrize(
    ("name", "said"),
    [("precise-prefix-cache", "prefix-affinity"), ("soft-affinity", "labels"), ("lora-affinity", "LoRA adapters")],
)
def test_what_servers_do_not_say_is_refused_by_name(name: str, said: str):
    scenario = apply_bundle(any_scenario(), load_bundle(weighted(name)))
    with pytest.raises(InputError, match=f"{name}.*{said}"):
        before_servers(scenario, 2)


def test_pools_are_refused():
    scenario = load_scenario(
        {
            "instance": {"latency_model": {"alpha": [0, 0, 0], "beta": [1, 0, 0]}, "kv": {"blocks": 10}},
            "pools": [{"count": 1, "labels": {"a": "b"}}],
        }
    )
    with pytest.raises(InputError, match="pools"):
        before_servers(scenario, 2)


def test_what_nobody_says_of_servers_that_fail_is_the_gateway_s():
    assert (any_scenario().cluster.retries, any_scenario().cluster.breaker) == (AGAIN, BREAKER)
    said = apply_bundle(any_scenario(), load_bundle({"retries": {"limit": 0}, "breaker": {"failures": 3}}))
    assert (said.cluster.retries.limit, said.cluster.breaker.failures) == (0, 3)


def test_what_a_scenario_says_of_them_is_meant_as_in_a_simulation():
    said = with_unsaid({"cluster": {"retries": {"limit": 1}}})["cluster"]
    assert Retries(**said["retries"]) == Retries(limit=1) and Breaker(**said["breaker"]) == BREAKER
    assert with_unsaid({"cluster": 3}) == {"cluster": 3}
