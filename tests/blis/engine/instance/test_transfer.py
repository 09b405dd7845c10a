"""Prompts that another instance computes, in whole runs, step by step by hand: every step takes 100 µs."""

from __future__ import annotations

from typing import Any

import pytest

from blis.config import (
    KV,
    Batch,
    Disaggregation,
    Engine,
    KVTransfer,
    LatencyModel,
    Pool,
    Profile,
    Routing,
    Scorer,
)
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import deployment, requests

PREFILL, DECODE, BOTH = (Pool(role=role) for role in ("prefill", "decode", "both"))
#: 4 tokens of a block in 40 µs, and 7 µs on top.
LINK = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7)


def run(table, *pools, transfer=LINK, decider="always", prefill=None, **more: Any):
    given = Disaggregation(decider, prefill=prefill)
    scenario = deployment(len(pools), pools=pools, disaggregation=given, kv_transfer=transfer, **more)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def test_every_time_of_one_request():
    """8 tokens: prefill until 100, its KV until 100 + 80 + 7, then a step for its last token, and two more."""
    result = run(requests([0], 3), PREFILL, DECODE)
    moved = result.handovers
    assert (result.instance.tolist(), moved.instance.tolist()) == ([1], [0])
    assert (moved.queued_us.tolist(), moved.scheduled_us.tolist(), moved.completed_us.tolist()) == ([0], [0], [100])
    assert (result.queued_us.tolist(), moved.asked_us.tolist(), moved.there_us.tolist()) == ([100], [100], [187])
    assert moved.blocks.tolist() == [2]
    assert (result.scheduled_us.tolist(), result.first_token_us.tolist()) == ([187], [287])
    assert result.completed_us.tolist() == [487]
    assert result.instances["prefill_tokens"].tolist() == [8, 1]
    assert result.instances["output_tokens"].tolist() == [0, 3]
    assert result.instances["used_blocks"].tolist() == [0, 0]


def test_it_is_queued_twice_and_goes_on_its_way_twice():
    queueing = {"latency_model": LatencyModel(alpha=(20, 1.5, 0), beta=(100, 0, 0))}
    result = run(requests([0], 1), PREFILL, DECODE, engine=queueing)
    assert result.handovers.queued_us.tolist() == [32]
    assert result.queued_us.tolist() == [32 + 100 + 32]
    assert result.ttft_us.tolist() == [32 + 100 + 32 + 87 + 100]


def test_a_link_serves_one_after_the_other_whoever_asks():
    """All three prompts are done at 100; two decode instances ask one sender, whose link is busy for 240 µs."""
    result = run(requests([0, 0, 0], 1), PREFILL, DECODE, DECODE, routing=Routing("round-robin"))
    assert result.instance.tolist() == [1, 2, 1]
    assert result.handovers.asked_us.tolist() == [100, 100, 100]
    assert sorted(result.handovers.there_us.tolist()) == [187, 267, 347]
    assert result.handovers.there_us.tolist() == [187, 347, 267]  # instance 1 asks for both of its own first


def test_only_what_is_not_cached_there_is_moved():
    """The decode instance has the first 8 tokens of the second prompt, and so has the prefill instance."""
    result = run(requests([0, 1000], 1, [range(8), range(12)]), PREFILL, DECODE)
    assert result.handovers.blocks.tolist() == [2, 1]
    assert result.handovers.cached_tokens.tolist() == [0, 8]
    assert result.cached_tokens.tolist() == [0, 8]
    assert result.handovers.there_us.tolist() == [187, 1100 + 47]
    assert result.instances["prefill_tokens"].tolist() == [12, 2]


def test_whoever_waits_for_its_kv_takes_no_place_and_goes_first_when_it_has_it():
    """Request 1 has no prefill elsewhere, as its prompt is short; it runs while the KV of 0 is on its way."""
    given = Disaggregation("uncached-tokens", uncached_tokens=8)
    scenario = deployment(
        2,
        pools=(PREFILL, DECODE),
        disaggregation=given,
        kv_transfer=LINK,
        engine={"batch": Batch(max_running=1)},
    )
    table = requests([0, 110, 110], 1, [range(8), range(100, 104), range(200, 204)])
    result = simulate(scenario, table)
    assert result.handovers.instance.tolist() == [0, -1, -1]
    assert result.scheduled_us.tolist() == [210, 110, 310]  # there at 187: before 2, which came earlier
    assert check_laws(scenario, table, result) == []


def test_the_kv_of_one_that_finds_no_place_is_held_until_it_is_given_up():
    """The decode instance has one place, from 187 to 1087; the prompt of 1 is done at 250, and given up at 400."""
    one = Pool(role="decode", batch=Batch(max_running=1))
    together = run(requests([0, 0], [9, 1]), PREFILL, one)
    assert together.handovers.asked_us.tolist() == [100, 100]  # while it waits for its KV nobody takes a place
    for hold_us, asked_us, charged in ((480_000_000, 1087, 1), (150, -1, 8)):
        transfer = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7, hold_us=hold_us)
        result = run(requests([0, 150], [9, 1]), PREFILL, one, transfer=transfer)
        assert result.handovers.completed_us.tolist() == [100, 250]
        assert result.handovers.asked_us.tolist() == [100, asked_us]
        assert result.instances["prefill_tokens"].tolist() == [16, 1 + charged]


def test_two_that_hold_kv_for_each_other_end_when_it_is_given_up():
    """Each cache has room for one prompt, and holds one that the other is to fetch, from 1100 to 6100."""
    transfer = KVTransfer(bytes_per_token=1000, bandwidth_gb_s=0.1, latency_us=7, hold_us=5000)
    scenario = deployment(
        3,
        pools=(BOTH, BOTH, PREFILL),
        engine={"kv": KV(2, 4)},
        routing=Routing("round-robin"),
        disaggregation=Disaggregation("uncached-tokens", 8),
        kv_transfer=transfer,
    )
    table = requests([0, 1000, 1000], 1, [range(4), range(100, 108), range(200, 208)])
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    assert (result.instance.tolist(), result.handovers.instance.tolist()) == ([0, 1, 0], [-1, 0, 1])
    assert result.completed_us.tolist() == [100, 6200, 6200]


def test_who_is_preempted_after_its_kv_has_come_is_computed_there():
    """Blocks for 24 tokens: two prompts of 8 fit, but not all that they generate."""
    pools = (PREFILL, Pool(role="decode", kv=KV(6, 4)))
    result = run(requests([0, 0], 9), *pools)
    assert result.preemptions.tolist() == [0, 1]
    assert result.handovers.blocks.tolist() == [2, 2]
    assert result.instances["prefill_tokens"][1] > 2


def test_a_prompt_too_large_for_the_prefill_instance_is_computed_by_the_other():
    result = run(requests([0], 2), Pool(role="prefill", kv=KV(1, 4)), DECODE)
    assert (result.status_names(), result.instances["dropped"].tolist()) == (["completed"], [1, 0])
    assert (result.queued_us.tolist(), result.handovers.asked_us.tolist()) == ([0], [-1])
    assert result.instances["prefill_tokens"].tolist() == [0, 8]


def test_one_that_the_decode_instance_drops_leaves_no_kv_behind():
    result = run(requests([0, 200], [90, 1]), PREFILL, Pool(role="decode", kv=KV(4, 4)))
    assert result.status_names() == ["dropped", "completed"]
    assert result.instances["used_blocks"].tolist() == [0, 0]


@pytest.mark.parametrize(("decider", "prefilled"), [("never", [0, 0, 0]), ("always", [1, 1, 1])])
def test_deciders(decider: str, prefilled: list[int]):
    result = run(requests([0, 1000, 2000]), PREFILL, DECODE, decider=decider)
    assert (result.handovers.instance >= 0).tolist() == [bool(each) for each in prefilled]
    assert result.instance.tolist() == [1, 1, 1]


def test_uncached_tokens_are_those_that_the_router_believes_missing():
    """The second prompt has 4 tokens more than what went to the decode instance before, the third one 8."""
    given = Disaggregation("uncached-tokens", uncached_tokens=8)
    scenario = deployment(2, pools=(PREFILL, DECODE), disaggregation=given, kv_transfer=LINK)
    result = simulate(scenario, requests([0, 1000, 2000], 1, [range(8), range(12), range(20)]))
    assert (result.handovers.instance >= 0).tolist() == [True, False, True]


def test_instances_of_a_kind_take_turns():
    pools = (PREFILL, PREFILL, DECODE, DECODE, DECODE)
    result = run(requests([0, 1000, 2000, 3000, 4000, 5000]), *pools, routing=Routing("round-robin"))
    assert result.instance.tolist() == [2, 3, 4, 2, 3, 4]
    assert result.handovers.instance.tolist() == [0, 1, 0, 1, 0, 1]


def test_each_kind_is_chosen_in_its_own_way():
    """Prompts go where their beginning was computed, answers where the least is to do."""
    knows = Profile(scorers=(Scorer("prefix-affinity", 1),), tie_break="first")
    table = requests([0, 1000, 2000, 3000], 50, [range(8), range(100, 108), range(9), range(100, 109)])
    result = run(table, PREFILL, PREFILL, DECODE, DECODE, prefill=knows)
    assert result.handovers.instance.tolist() == [0, 0, 0, 0]
    assert result.instance.tolist() == [2, 3, 2, 3]


def test_whoever_could_compute_its_own_prompt_does_so_if_it_is_chosen_for_both():
    result = run(requests([0]), BOTH, Pool(role="prefill"), prefill=Profile("round-robin"))
    assert (result.instance.tolist(), result.handovers.instance.tolist()) == ([0], [-1])


def test_kv_that_lands_while_a_step_runs_is_seen_when_the_next_has_been_chosen():
    """Steps that are scheduled ahead start at 487, 587 and 687; that of 1 lands at 574."""
    ahead = {"engine": Engine(async_scheduling=True)}
    result = run(requests([0, 250], [9, 1]), PREFILL, DECODE, engine=ahead)
    assert result.handovers.asked_us.tolist() == [100, 487]
    assert result.handovers.there_us.tolist() == [187, 574]
    assert result.scheduled_us.tolist() == [187, 687]
