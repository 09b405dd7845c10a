from __future__ import annotations

import numpy as np

from blis.engine.live.contents import Contents
from tests.blis.engine.live.small import live, tokens

ENDS = [4, 8]


def test_blocks_are_equal_if_they_and_all_before_are():
    contents = Contents(live().arrays)
    one = contents.nodes_of(tokens(0, 8), ENDS)
    same = contents.nodes_of(tokens(0, 8), ENDS)
    second = contents.nodes_of(np.concatenate([tokens(90, 4), tokens(4, 4)]), ENDS)
    assert one.tolist() == same.tolist()
    assert not set(one.tolist()) & set(second.tolist())


def test_numbers_of_those_who_left_are_given_again_but_not_of_who_is_here():
    contents = Contents(live(nodes=4).arrays)
    stays = contents.nodes_of(tokens(0, 8), ENDS)
    contents.leave(contents.nodes_of(tokens(100, 8), ENDS))
    again = contents.nodes_of(tokens(200, 8), ENDS)
    assert not set(stays.tolist()) & set(again.tolist())
    assert contents.nodes_of(tokens(300, 8), ENDS) is None
    assert contents.nodes_of(tokens(0, 8), ENDS).tolist() == stays.tolist()


def test_what_is_cached_is_not_forgotten():
    run = live(nodes=4, blocks=50)
    run.submit(tokens(0, 8), tokens(100, 5))
    run.advance(10**9)
    run.submit(tokens(200, 4), tokens(300, 1))
    run.advance(2 * 10**9)
    assert run.submit(tokens(400, 8), tokens(500, 5)) is None
    again = run.submit(tokens(0, 8), tokens(100, 2))
    run.advance(3 * 10**9)
    assert again.cached_tokens == 4
