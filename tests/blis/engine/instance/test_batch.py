"""Who gets tokens and blocks in a step, in runs that can be told by hand: 100 µs a step, 4 tokens a block."""

from __future__ import annotations

import pytest

from blis.config import Batch, Compat, SloTier
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def own(tokens: int, name: int = 1) -> range:
    """A prompt that nobody else has."""
    return range(1000 * name, 1000 * name + tokens)


def run(table, blocks: int = 1000, *, compat: Compat | None = None, **engine):
    return simulate(deployment(blocks=blocks, engine=engine), table, compat)


@pytest.mark.parametrize(
    ("batch", "first_us"),
    [
        (Batch(), [100, 100]),
        (Batch(max_scheduled_tokens=8), [100, 200]),  # 6 + 2, then 1 + 4
        (Batch(max_scheduled_tokens=4), [200, 400]),  # 4, then 2 + 2, then 1 + 3, then 1
        (Batch(long_prefill_threshold=3), [200, 200]),
        (Batch(long_prefill_threshold=2), [300, 300]),
        (Batch(max_running=1), [100, 300]),
        (Batch(max_running=2), [100, 100]),
    ],
)
def test_limits_of_a_batch(batch, first_us):
    table = requests([0, 0], 2, [own(6), own(6, 2)])
    assert run(table, batch=batch).first_token_us.tolist() == first_us


def test_those_who_run_come_before_those_who_wait():
    # a budget of 3: 1 gets what the first leaves, 1 of its 4 tokens at 0, then 2 a step beside a decode
    result = run(requests([0, 0], [9, 1], [own(2), own(5, 2)]), batch=Batch(max_scheduled_tokens=3))
    assert result.first_token_us.tolist() == [100, 300]


def test_nobody_passes_a_head_that_must_wait():
    # two of three blocks are taken until 200; 1 needs two, 2 one, which is free all the time
    result = run(requests([0, 10, 20], [2, 1, 1], [own(7), own(8, 2), own(4, 3)]), 3)
    assert result.scheduled_us.tolist() == [0, 200, 200]


def test_only_the_first_chunk_must_fit():
    # at 100 one of three blocks is free, for the first 4 of 8 tokens; 0 ends in that step
    table = requests([0, 10], [2, 1], [own(4), own(8, 2)])
    assert run(table, 3).scheduled_us.tolist() == [0, 200]
    result = run(table, 3, batch=Batch(long_prefill_threshold=4))
    assert result.scheduled_us.tolist() == [0, 100]
    assert result.first_token_us.tolist() == [100, 300]


def test_one_token_is_computed_whatever_is_cached():
    result = run(requests([0, 100], 1, [range(8), range(8)]))
    assert result.cached_tokens.tolist() == [0, 4]
    assert result.instances["prefill_tokens"][0] == 8 + 4
    free = run(requests([0, 100], 1, [range(8), range(8)]), compat=Compat(free_full_hit=True))
    assert free.cached_tokens.tolist() == [0, 8]
    assert free.instances["prefill_tokens"][0] == 8


def test_part_filled_blocks_are_found_by_nobody():
    # 5 tokens a step: at 100 the first has stored 10 of the 12 common tokens, two full blocks
    table = requests([0, 100], 1, [[*range(12), 99], [*range(12), 98]])
    assert run(table, batch=Batch(long_prefill_threshold=5)).cached_tokens.tolist() == [0, 8]


# -- preemption: two requests of 6 and 4 tokens hold four blocks, both need a third one at 300


def test_the_last_of_the_batch_goes_first_and_comes_back_before_those_who_wait():
    # 2 waits from 150 on; at 400 the evicted one needs three of four blocks, so that 2 comes at 500
    result = run(requests([0, 0, 150], [4, 4, 1], [own(6), own(6, 2), own(6, 3)]), 4)
    assert result.preemptions.tolist() == [0, 1, 0]
    assert result.completed_us.tolist() == [400, 500, 600]
    assert result.scheduled_us.tolist() == [0, 0, 500]


def test_of_two_victims_the_last_comes_back_last():
    # at 300 request 0 needs two blocks at once: 2 goes first, then 1, which is foremost when both come back
    prompts = [own(13), own(4, 2), own(4, 3)]
    table = requests([0, 0, 0], [1, 9, 9], prompts)
    result = run(table, 5, batch=Batch(long_prefill_threshold=4, max_scheduled_tokens=12))
    assert result.preemptions.tolist()[0] == 0
    assert result.completed_us[1] < result.completed_us[2]


def test_a_step_that_evicts_admits_nobody():
    # sjf: 2 is before the evicted one, and there is a block for it, but not before 400
    result = run(requests([0, 0, 250], [4, 4, 1], [own(6), own(6, 2), own(3, 3)]), 4, scheduler="sjf")
    assert result.preemptions.tolist() == [0, 1, 0]
    assert result.scheduled_us.tolist() == [0, 0, 400]


def test_the_least_urgent_goes_first_if_asked_for():
    tiers = {"low": SloTier(priority=0), "high": SloTier(priority=1)}
    table = requests([0, 0], 4, [own(6), own(6, 2)], slo_class=[0, 1], slo_names=("low", "high"))
    scenario = deployment(blocks=4, engine={"preemption": "priority"}, slo_tiers=tiers)
    assert simulate(scenario, table).preemptions.tolist() == [1, 0]
    assert simulate(deployment(blocks=4, slo_tiers=tiers), table).preemptions.tolist() == [0, 1]


def test_nobody_goes_for_blocks_that_the_budget_does_not_pay_for():
    # 7 tokens a step: at 200 one decodes, the next computes 4 more tokens and takes the last of five blocks, and the
    # last gets the 2 that are left, for which its block has room
    table = requests([0, 50, 50], [4, 1, 1], [own(5), own(20, 2), own(12, 3)])
    batch = Batch(max_scheduled_tokens=7, long_prefill_threshold=4)
    scenario = deployment(blocks=5, horizon_us=299, engine={"preemption": "priority", "batch": batch})
    result = simulate(scenario, table)
    assert result.preemptions.tolist() == [0, 0, 0]
    assert result.instances["used_blocks"][0] == 5


def test_the_delay_is_that_of_the_first_admission_unless_original():
    table = requests([0, 0], 4, [own(6), own(6, 2)])
    assert run(table, 4).scheduling_delay_us.tolist() == [0, 0]
    assert run(table, 4, compat=Compat(last_scheduling_delay=True)).scheduling_delay_us.tolist() == [0, 400]


def test_the_evicted_lose_no_token():
    result = run(requests([0, 0], 4, [own(6), own(6, 2)]), 4)
    assert result.instances["prefill_tokens"][0] == 6 + 6 + 5  # 6 + 3 tokens, of which one block is found again
    assert result.instances["output_tokens"][0] == 4 + 4
    assert result.cached_tokens.tolist() == [0, 0]  # at the first admission
