"""Traits of requests: who has the same prompt, whose turn it is at the gateway, where a request may run."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import FlowControl, Pool, SloTier
from blis.engine.build.encode_traits import band_priorities, places, prompts, traits
from blis.engine.gateway.records import TRAITS
from blis.tables.placement import Placement
from blis.tables.requests import RequestTable
from tests.blis.engine.plain_times import deployment, requests
from tests.laws.random_cases import random_case
from tests.oracle import expand

NOBODY = dict.fromkeys(("tenant", "tenants", "session", "exact_home", "priority", "picker", "admission"), 0)
NOBODY |= {"choice-1": 0, "choice-2": 0}


@pytest.mark.parametrize("block_tokens", [1, 2, 3, 4, 16])
def test_prompts_are_equal_up_to_their_last_full_block(block_tokens: int):
    for seed in range(40):
        table = random_case(Random(seed), max_requests=40).table
        heads = [
            request.prompt[: len(request.prompt) // block_tokens * block_tokens] or request.prompt
            for request in expand(table)
        ]
        numbers = prompts(table, block_tokens).tolist()
        assert sorted(set(numbers)) == list(range(len(set(numbers))))
        for a, first in enumerate(heads):
            assert [number == numbers[a] for number in numbers] == [first == head for head in heads]


def urgent_table() -> RequestTable:
    """Three classes, one of them three times, arriving one µs apart."""
    return requests(range(5), slo_class=[0, 1, 1, 2, 1], slo_names=("batch", "critical", "gold"))


def test_bands_are_priorities_and_ranks_follow_the_ordering():
    table, tiers = urgent_table(), {"gold": SloTier(priority=4, ttft_ms=0.3985)}
    flow = FlowControl(enabled=True)
    found = traits(deployment(flow_control=flow, slo_tiers=tiers), table, NOBODY, False)
    assert found.band.tolist() == [1, 0, 0, 0, 0]
    assert found["rank"].tolist() == [0, 1, 2, 3, 4]
    assert band_priorities(deployment(slo_tiers=tiers), table) == [4, -1]
    by_deadline = replace(flow, ordering="deadline")
    found = traits(deployment(flow_control=by_deadline, slo_tiers=tiers), table, NOBODY, False)
    assert found["rank"].tolist() == [4, 1, 2, 0, 3]


def test_a_deadline_counts_from_the_arrival():
    # deadlines: 4 000 000, 400 001, 400 002, 400 002 and 400 004 µs
    tiers, flow = {"gold": SloTier(priority=4, ttft_ms=399.999)}, FlowControl(enabled=True, ordering="deadline")
    found = traits(deployment(flow_control=flow, slo_tiers=tiers), urgent_table(), NOBODY, False)
    assert found["rank"].tolist() == [4, 0, 1, 2, 3]


def test_only_what_is_read_is_filled_in():
    table = replace(urgent_table(), tenant=np.arange(5, dtype=np.int32), session=np.arange(5, dtype=np.int32))
    for fact, field in (("tenant", "tenant"), ("session", "session"), ("priority", "priority"), ("picker", "picker")):
        found = traits(deployment(), table, NOBODY | {fact: 1}, False)
        assert [name for name in TRAITS.names or () if found[name].any()] == [field]


def test_places_of_pools():
    placements = (Placement(), Placement(requires={"gpu": "A"}, prefers={"lora": "x", "disk": "d"}))
    table = replace(requests([0]), placements=placements)
    found = places(deployment(3, pools=[Pool(2, {"gpu": "A", "lora": ["x", "y"]}), Pool(1, {"gpu": "B"})]), table)
    assert found.eligible.tolist() == [[1, 1, 1], [1, 1, 0]]
    assert found.preferred.tolist() == [[0, 0, 0], [0.5, 0.5, 0]]
    assert places(deployment(2), table).eligible.tolist() == [[1, 1], [0, 0]]
