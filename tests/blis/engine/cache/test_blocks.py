"""In which order free blocks are taken, in runs that can be told by hand: blocks of 4 tokens, a step takes 100 µs.

Free blocks are written from the first to be taken: `.` is an empty one, a1 the second block of prompt a.
"""

from __future__ import annotations

import pytest

from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests

A, B = range(100, 112), range(200, 212)


def own(tokens: int, name: int) -> range:
    """A prompt that nobody else has."""
    return range(1000 * name, 1000 * name + tokens)


def cached(blocks: int, *prompts) -> list[int]:
    """Cached tokens of requests that come one after the other, each for one step."""
    table = requests([100 * row for row in range(len(prompts))], 1, prompts)
    result = simulate(deployment(blocks=blocks), table)
    assert result.scheduled_us.tolist() == [100 * row for row in range(len(prompts))]
    return result.cached_tokens.tolist()


def test_empty_blocks_are_taken_before_full_ones():
    # . . . . a2 a1 a0, of which 16 tokens take four
    assert cached(7, A, own(16, 1), [*A, 1]) == [0, 0, 12]


def test_one_block_more_takes_the_end_of_a_prompt_and_no_more():
    # . a2 a1 a0, of which 8 tokens take two
    assert cached(4, A, own(8, 1), [*A, 1]) == [0, 0, 8]


def test_blocks_that_come_back_empty_are_the_last():
    # . . a1 a0 → . a1 a0 . after a part of a block; 8 tokens take the first two
    assert cached(4, A[:8], own(3, 1), own(8, 2), [*A[:8], 1]) == [0, 0, 0, 4]


def test_a_prompt_that_is_asked_for_again_goes_last():
    # . . a1 a0 b1 b0 → . b1 b0 . a1 a0, of which 8 tokens take the first two
    assert cached(6, A[:8], B[:8], [*A[:8], 1], own(8, 1), [*B[:8], 2]) == [0, 0, 8, 0, 4]


def test_empty_blocks_that_meet_are_all_there():
    # . a1 a0 . : request 2 attaches a's two blocks, so that the empty ones meet; then all four must be found
    prompts = [A[:8], own(3, 1), [*A[:8], 1], own(16, 2), own(16, 3)]
    table = requests([0, 100, 200, 300, 400], 1, prompts)
    result = simulate(deployment(blocks=4), table)
    assert result.completed_us.tolist() == [100, 200, 300, 400, 500]
    assert result.instances["miss_blocks"][0] == 2 + 1 + 1 + 4 + 4
    assert result.cached_tokens[2] == 8


@pytest.mark.parametrize(("tokens", "outputs", "blocks"), [(8, 1, 2), (8, 2, 3), (8, 5, 3), (8, 6, 4), (7, 2, 2)])
def test_every_block_taken_is_a_miss(tokens, outputs, blocks):
    # the KV of the last token is not stored
    result = simulate(deployment(), requests([0], outputs, [own(tokens, 1)]))
    assert result.instances["miss_blocks"][0] == blocks


def test_what_has_left_is_computed_again_and_found_again():
    assert cached(4, A, own(16, 1), A, A) == [0, 0, 0, 8]
