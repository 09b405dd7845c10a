"""A deployment: its instances by number, and what a class name stands for."""

import pytest

from blis.config import KV, Batch, Cluster, Instance, LatencyModel, Pool, Scenario, SloTier, default_tier
from blis.errors import InputError

INSTANCE = Instance(LatencyModel(beta=(1.0, 0.0, 0.0)))
SMALL, SLOW = Batch(max_running=8), LatencyModel(beta=(9.0, 0.0, 0.0))


def test_instances_are_numbered_pool_after_pool_and_keep_what_a_pool_leaves_out():
    pools = (Pool(2, {"gpu": "H100"}, batch=SMALL), Pool(1, latency_model=SLOW))
    first, second, third = Scenario(INSTANCE, Cluster(instances=3), pools=pools).replicas
    assert first == second != third
    assert (first.instance.batch, first.instance.latency_model, first.labels) == (
        SMALL,
        INSTANCE.latency_model,
        {"gpu": "H100"},
    )
    assert (third.instance.batch, third.instance.latency_model, third.labels) == (INSTANCE.batch, SLOW, {})


def test_without_pools_all_instances_are_equal():
    replicas = Scenario(INSTANCE, Cluster(instances=3)).replicas
    assert [replica.instance for replica in replicas] == [INSTANCE] * 3
    assert [replica.labels for replica in replicas] == [{}] * 3


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (
            lambda: Scenario(INSTANCE, Cluster(instances=3), pools=(Pool(2),)),
            "cluster.instances is 3, but the pools have 2",
        ),
        (
            lambda: Scenario(INSTANCE, Cluster(instances=2), pools=(Pool(), Pool(kv=KV(block_size_tokens=8)))),
            r"block_size_tokens must be one for all pools, got \[8, 16\]",
        ),
        (lambda: Scenario(INSTANCE, horizon_us=0), "horizon_us must be"),
        (lambda: Pool(count=0), "count must be"),
        (lambda: Pool(labels={"gpu": ""}), r"labels.gpu must be a text or a list of texts, got ''"),
        (lambda: Pool(labels={"gpu": []}), "labels.gpu must be a text"),
        (lambda: Pool(labels={"gpu": ["a", 3]}), "labels.gpu must be a text"),
        (lambda: SloTier(ttft_ms=0), "ttft_ms must be > 0"),
        (lambda: SloTier(weight=-1), "weight must be"),
    ],
)
def test_mistakes_name_the_key(make, problem):
    with pytest.raises(InputError, match=problem):
        make()


def test_a_class_is_what_is_declared_else_what_its_name_stands_for():
    scenario = Scenario(INSTANCE, slo_tiers={"batch": SloTier(9.0), "default": SloTier(5.0)})
    assert scenario.tier("batch").priority == 9
    assert scenario.tier("").priority == scenario.tier("default").priority == 5
    assert scenario.tier("critical") == default_tier("critical") == SloTier(4.0, 1.0, 400.0)
    assert default_tier("unheard-of") == default_tier("") == SloTier(0.0, 1.0, 1000.0)


def test_the_names_of_the_llm_d_router_are_ordered_and_the_last_three_may_be_shed():
    names = ("critical", "standard", "", "batch", "sheddable", "background")
    priorities = [default_tier(name).priority for name in names]
    assert priorities == sorted(priorities, reverse=True)
    assert [priority < 0 for priority in priorities] == [False, False, False, True, True, True]
