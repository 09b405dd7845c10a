"""Published comparisons: every one can be built, and says a figure a router for measures that are known."""

import pytest

from blis.scenario import load_scenario
from experiments.published import COMPARISONS, LARGE_CACHE, PRODUCTION, SMALL_CACHE, weighted
from experiments.rank_fidelity import MEASURES


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.name)
def test_a_comparison_is_whole(comparison):
    assert set(comparison.published) <= set(MEASURES)
    assert {len(figures) for figures in comparison.published.values()} == {len(comparison.routers)}
    for routing in comparison.routers.values():
        cluster = {"instances": comparison.instances, "routing": routing}
        scenario = load_scenario({"cluster": cluster, "instance": dict(comparison.instance)})
        assert scenario.instance.engine.profile == "vllm-2026"


def test_caches_and_requests_are_as_many_as_the_reports_say():
    blocks = [one.instance["kv"]["blocks"] * 64 for one in (LARGE_CACHE, SMALL_CACHE)]
    assert blocks == [307_328, 461_376]
    loads = [one.requests.load(0) for one in COMPARISONS]
    assert [int((load.stage >= 0).sum()) for load in loads] == [16_334, 6_560, 2_400]
    large = LARGE_CACHE.requests
    resident = large.groups * (large.prefix + large.users * large.question)
    assert resident / (8 * 307_328) == pytest.approx(0.73, abs=0.005)


def test_a_weighted_router_has_an_index_where_one_is_given():
    assert weighted({"queue-waiting": 2}) == {
        "policy": "weighted",
        "scorers": [{"name": "queue-waiting", "weight": 2}],
    }
    assert weighted({"prefix-affinity": 1}, (16, 4096, 9))["prefix_index_blocks"] == 9
    assert PRODUCTION.routers["none"] == {"policy": "round-robin"}
