"""Who holds which blocks, in runs whose numbers can be told by hand: blocks of 4 tokens, a step takes 100 µs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from blis.config import SloTier
from blis.engine.observe import Observe
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests

TEXT = list(range(40))
SAMPLED = Observe(sample_us=50)


def beginning(tokens: int, own: int = 0, name: int = 1) -> list[int]:
    """So many tokens of the common text, then some of a request's own."""
    return [*TEXT[:tokens], *range(1000 * name, 1000 * name + own)]


def used_blocks(result, time_us: int) -> int:
    return int(result.samples["used_blocks"][time_us // 50, 0])


@pytest.mark.parametrize(("tokens", "blocks"), [(1, 1), (4, 1), (7, 2), (8, 2), (9, 3)])
def test_a_prompt_takes_as_many_blocks_as_its_tokens_need(tokens, blocks):
    result = simulate(deployment(), requests([0], prompts=[TEXT[:tokens]]))
    assert result.instances["peak_blocks"][0] == result.instances["miss_blocks"][0] == blocks


@pytest.mark.parametrize(("shared", "own", "cached"), [(8, 0, 4), (9, 0, 8), (8, 3, 8), (6, 5, 4), (3, 5, 0)])
def test_full_blocks_are_found_again_but_one_token_is_computed(shared, own, cached):
    # the first request has filled all blocks of the common text; the second begins with some of it
    table = requests([0, 100], prompts=[TEXT, beginning(shared, own)])
    assert simulate(deployment(), table).cached_tokens.tolist() == [0, cached]


def test_what_decoding_fills_is_found_by_the_next_turn():
    # 4 prompt tokens and the first 4 of 5 generated ones are stored: two full blocks
    table = requests([0, 500], prompts=[TEXT[:4], beginning(8, 1)], answers=[TEXT[4:9], [99]])
    assert simulate(deployment(), table).cached_tokens.tolist() == [0, 8]


def test_held_blocks_are_not_room():
    # of 4 blocks request 0 holds 3 from its step at 100 on; 1 attaches two of these and takes the last free one
    table = requests([0, 50], [4, 1], [beginning(8), beginning(8, 4)])
    assert simulate(deployment(blocks=4), table).scheduled_us.tolist() == [0, 100]


def test_free_blocks_to_be_attached_are_not_room_for_others():
    # at 100 three blocks are free: the two that request 2 attaches, and one, but it needs two more; 1 ends at 200
    table = requests([0, 0, 50], [1, 2, 1], [beginning(8), [500, 501, 502], beginning(8, 8)])
    assert simulate(deployment(blocks=4), table).scheduled_us.tolist() == [0, 0, 200]


def test_equal_contents_are_one_block():
    # 1 may attach two of the three blocks and computes the third anew: it is exchanged for the one that is there
    table = requests([0, 150], [9, 9], [beginning(12), beginning(12)])
    result = simulate(deployment(), table, observe=SAMPLED)
    assert used_blocks(result, 150) == 4  # 12 prompt tokens and the first of request 0's own
    assert used_blocks(result, 250) == 4
    assert used_blocks(result, 350) == 5  # the first of request 1's own
    assert result.instances["hit_blocks"][0] == 2


def test_a_block_exchanged_for_its_copy_is_the_next_to_be_taken():
    # Of 5 blocks: at 0 request 0 leaves x cached behind four empty ones. From 100 request 1 holds two, and a third
    # from 200, when 2 takes the last empty one and gives it back for its copy, before x. So 3 takes it and not x.
    x = [900, 901, 902, 903]
    prompts = [[*x, 7], beginning(8), beginning(8), beginning(0, 4), [*x, 8]]
    table = requests([0, 100, 200, 300, 400], [1, 5, 1, 1, 1], prompts)
    result = simulate(deployment(blocks=5), table)
    assert result.scheduled_us.tolist() == [0, 100, 200, 300, 400]
    assert result.cached_tokens.tolist() == [0, 0, 4, 0, 4]


def test_a_sequence_goes_from_its_end():
    # 3 splits the text after 8 tokens; of 4 blocks request 1 takes the empty one and the last of the three cached
    prompts = [beginning(12), beginning(0, 8), beginning(12, 1), beginning(8, 3, 2)]
    table = requests([0, 100, 200, 300], 1, prompts)
    assert simulate(deployment(blocks=4), table).cached_tokens.tolist() == [0, 0, 8, 8]


@pytest.mark.parametrize(("again", "cached"), [(beginning(8, 1, 2), 4), ([*range(500, 508), 1], 8)])
def test_who_is_released_first_goes_first(again, cached):
    # three of six blocks are taken by 2: the two empty ones and the last block of request 0
    table = requests([0, 100, 200, 300], 1, [beginning(8), range(500, 508), beginning(0, 12), again])
    assert simulate(deployment(blocks=6), table).cached_tokens.tolist() == [0, 0, 0, cached]


def test_a_block_is_held_as_long_as_one_of_its_holders_is_there():
    table = requests([0, 0], [1, 9], [beginning(8, 1), beginning(8, 1, 2)])
    result = simulate(deployment(), table, observe=SAMPLED)
    assert used_blocks(result, 50) == 3  # 0 has ended in the step at 0: the two common ones and 1's own
    assert used_blocks(result, 900) == 0


# -- holders that are still on their way through a node

ANSWER = TEXT[4:18]


def held_after_the_deepest_leaves(blocks: int, others: Sequence[int]) -> tuple[int, list[int]]:
    """Used blocks when somebody who held 16 tokens of a conversation was evicted at 900, and preemptions.

    Row 0 writes the conversation from 0 on, a token a step behind its prompt of 4, and has stored 12 at 900.
    `others` do the same later. The last row comes at 500 with the 16 tokens and one more, finds what is there, and
    takes a block for its 21st token in the step at 900. So does the first for its 13th, and takes the last free one.
    """
    writers = 1 + len(others)
    prompts = [TEXT[:4]] * writers + [beginning(16, 1)]
    answers = [ANSWER] * writers + [range(5000, 5005)]
    table = requests([0, *others, 500], prompts=prompts, answers=answers)
    result = simulate(deployment(blocks=blocks), table, observe=SAMPLED)
    return used_blocks(result, 950), result.preemptions.tolist()


def test_a_holder_on_its_way_keeps_what_it_has():
    # the prompt, two full blocks behind it, and one that is being filled
    assert held_after_the_deepest_leaves(6, []) == (4, [0, 1])


def test_the_deepest_of_those_left_counts():
    # Row 1 is two steps behind: it has stored 10 tokens then, of which one full block lies behind the prompt, and
    # fills a block of its own. What row 0 holds stays held: the prompt, two more, one each of their own.
    assert held_after_the_deepest_leaves(7, [200]) == (5, [0, 0, 1])


def test_who_begins_later_lets_go_of_nothing():
    # 1 comes when 0 has filled the whole text; 2 begins with its first block only
    table = requests([0, 100, 100], 9, [beginning(16, 1), beginning(16, 1, 2), beginning(4, 1, 3)])
    result = simulate(deployment(), table, observe=SAMPLED)
    assert used_blocks(result, 50) == 5
    assert used_blocks(result, 150) == 7  # the text once, and one block of every request's own


def test_victims_by_priority_leave_the_others_what_they_hold():
    # at 300 both need a third block and none is free: the first goes, whose class is the lesser
    tiers = {"low": SloTier(priority=0), "high": SloTier(priority=1)}
    scenario = deployment(blocks=4, slo_tiers=tiers, engine={"preemption": "priority"})
    table = requests([0, 0], 4, [beginning(0, 6), beginning(0, 6, 2)], slo_class=[0, 1], slo_names=("low", "high"))
    result = simulate(scenario, table, observe=SAMPLED)
    assert result.preemptions.tolist() == [1, 0]
    assert used_blocks(result, 250) == 4
    assert used_blocks(result, 350) == 0  # the other one has ended in that step
    assert used_blocks(result, 450) == 0
    assert result.completed_us.tolist() == [500, 400]
