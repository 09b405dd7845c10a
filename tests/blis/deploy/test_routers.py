"""Routers with policies by name."""

import pytest

from blis.deploy.notes import Notes
from blis.deploy.routers import ROUTERS, router_arguments
from blis.errors import InputError
from blis.policies.bundle import load_bundle
from blis.policies.routing import ROUTING


def lines(name, **parts):
    notes = Notes()
    return router_arguments(load_bundle(parts), ROUTERS[name], notes), notes


@pytest.mark.parametrize(
    ("router", "policy", "expected", "same"),
    [
        ("vllm-router", "round-robin", ["--policy round_robin"], True),
        ("sglang-router", "random", ["--policy random"], True),
        ("vllm-router", "power-of-two", ["--policy power_of_two"], False),
        ("sglang-router", "prefix-affinity", ["--policy cache_aware"], False),
        ("vllm-router", "session-affinity", ["--policy sticky_least_loaded"], False),
        ("sglang-router", "session-affinity", ["--policy manual", "--assignment-mode min_load"], False),
    ],
)
def test_names_of_each_product(router, policy, expected, same):
    found, notes = lines(router, routing={"policy": policy})
    assert found == expected
    assert (notes == []) is same


def test_every_name_is_one_that_the_router_takes():
    for router in ROUTERS.values():
        assert {name for name, _ in router.ours.values()} <= set(router.names)
        assert set(router.ours) <= set(ROUTING)


WEIGHTED = {"policy": "weighted", "scorers": [{"name": "prefix-affinity", "weight": 1}]}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"routing": WEIGHTED},
            "routing.policy 'weighted' has no counterpart in vllm-router 0.1.17 (random, ",
        ),
        ({"routing": WEIGHTED}, "the nearest is prefix-affinity"),
        ({"routing": {"policy": "least-loaded"}}, "the nearest is power-of-two"),
        ({"routing": {"policy": "random", "filters": [{"name": "load"}]}}, "routing.filters has no counterpart"),
        ({"routing": {"policy": "random"}, "flow_control": {"enabled": True}}, "flow_control has no counterpart"),
        (
            {"routing": {"policy": "random"}, "admission": {"policy": "token-bucket"}},
            "admission.policy 'token-bucket' has no counterpart",
        ),
        ({}, "routing.policy is not in the bundle"),
    ],
)
def test_what_they_have_not(parts, message):
    with pytest.raises(InputError) as error:
        lines("vllm-router", **parts)
    assert message in str(error.value)
