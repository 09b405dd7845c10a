"""Oracle and engine against llm-d's router by hand: scorers, router blocks, bands. Every step takes 100 µs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from blis.config import Batch, Compat, FlowControl, PriorityBand, Routing, Scenario, Scorer
from blis.engine import run as engine
from blis.tables.requests import RequestTable
from tests.blis.engine.plain_times import deployment, requests
from tests.oracle import Setup, expand
from tests.oracle import simulate as simulate_plainly

Simulate = Callable[..., Any]


def plainly(scenario: Scenario, table: RequestTable, compat: Compat | None = None) -> Any:
    """The oracle on what the engine is given."""
    return simulate_plainly(Setup.from_scenario(scenario), expand(table), compat)


@pytest.fixture(params=[plainly, engine.simulate], ids=["oracle", "engine"])
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Either simulator."""
    return request.param


def targets(result: Any) -> list[int]:
    return list(map(int, result.instance))


def weighted(*scorers: Scorer, **more: Any) -> Routing:
    return Routing("weighted", scorers=scorers, tie_break="first", **more)


@pytest.mark.parametrize(
    ("name", "compat", "expected"),
    [
        # request 2: 1 of 2 blocks and a request that waits make .3, an idle instance .4
        ("precise-prefix-cache", Compat(), [0, 0, 1, 1]),
        # min-max gives .6 for the only instance that has the block, even where it is 1 of 25
        ("precise-prefix-cache-2026-04", Compat(), [0, 0, 0, 0]),
        ("precise-prefix-cache", Compat(min_max_precise=True), [0, 0, 0, 0]),
    ],
)
def test_a_hit_counts_as_its_share_of_the_prompt(simulate: Simulate, name: str, compat: Compat, expected: list[int]):
    prompts = [[*range(4), *range(100 * row, 100 * row + length)] for row, length in ((1, 4), (2, 4), (3, 4), (4, 96))]
    routing = weighted(Scorer(name, 3), Scorer("queue-waiting", 2))
    scenario = deployment(2, routing=routing, engine={"batch": Batch(max_running=1)})
    table = requests([0, 150, 250, 350], 9, prompts)
    assert targets(simulate(scenario, table, compat)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, [0, 1, 2, 0, 1]),  # one each: all score 0, the first of ties; then it has the most
        ({"idle_threshold": 1}, [0, 0, 1, 1, 2]),  # one request is none
        ({"idle_threshold": 2}, [0, 0, 0, 1, 1]),
    ],
)
def test_an_instance_with_few_requests_is_idle(simulate: Simulate, given: dict[str, float], expected: list[int]):
    scenario = deployment(3, routing=weighted(Scorer("active-requests", 1, given)))
    assert targets(simulate(scenario, requests([0] * 5, 9))) == expected


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({}, 1),  # 3 of 4 blocks
        ({"prefix_index_block_tokens": 8}, 1),  # 1 of 2
        ({"prefix_index_block_tokens": 16}, 0),  # no whole block in common: the first of ties
        ({"prefix_index_max_tokens": 3}, 0),  # no block at all
        ({"prefix_index_block_tokens": 8, "prefix_index_max_tokens": 8}, 1),  # 1 of 1
        ({"prefix_index_blocks": 1, "prefix_index_block_tokens": 4}, 1),  # 1 of 4: the first block is the youngest
    ],
)
def test_the_router_knows_whole_blocks_of_its_own(simulate: Simulate, given: dict[str, int], target: int):
    prompts = [list(range(100, 116)), list(range(16)), [*range(12), *range(200, 204)]]
    scenario = deployment(2, routing=weighted(Scorer("prefix-affinity", 1), Scorer("load-balance", 1), **given))
    assert targets(simulate(scenario, requests([0, 1, 2], 9, prompts))) == [0, 1, target]


BANDS = {"slo_class": [1, 0, 0, 1, 1, 1, 1], "slo_names": ("batch", "critical")}


@pytest.mark.parametrize(
    ("given", "routed_us"),
    [
        ({}, [0, 600, 700, 200, 300, 400, 500]),
        ({"bands": "weighted"}, [0, 200, 400, 300, 500, 600, 700]),
        ({"bands": "weighted", "priority_bands": (PriorityBand(4, 3),)}, [0, 400, 700, 200, 300, 500, 600]),
    ],
)
def test_bands_take_turns(simulate: Simulate, given: dict[str, Any], routed_us: list[int]):
    # one at a time: request 0 runs until 200, the others for a step each
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=100, **given)
    result = simulate(deployment(flow_control=flow), requests(range(7), [2, 1, 1, 1, 1, 1, 1], **BANDS))
    assert list(result.routed_us) == routed_us


def test_a_band_waits_as_long_as_it_is_told(simulate: Simulate):
    own = (PriorityBand(4, ttl_us=250), PriorityBand(-1, ttl_us=0, max_requests=1))
    flow = FlowControl(enabled=True, max_concurrency=1, interval_us=100, ttl_us=1, priority_bands=own)
    result = simulate(deployment(flow_control=flow), requests(range(7), [2, 1, 1, 1, 1, 1, 1], **BANDS))
    # critical: 3 leaves at 200; the looks from 300 on find the others too old. batch: 2 finds the band full
    assert list(result.routed_us) == [0, 300, -1, 200, -1, -1, -1]
