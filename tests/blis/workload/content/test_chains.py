"""Many requests at once: the same tree as the general way makes, whatever they share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blis.workload.content.chains import ranges
from blis.workload.content.tree import intern_prefix_groups, intern_sequences
from tests.blis.workload.content.test_tree import assert_same


@st.composite
def conversations(draw):
    """Columns group, prefix_tokens, input_tokens, output_tokens, conversation; the rounds may lie far apart."""
    talks = [
        (draw(st.integers(-1, 2)), draw(st.integers(0, 6)), draw(st.integers(1, 4)))
        for _ in range(draw(st.integers(1, 5)))
    ]
    turns = draw(st.permutations([number for number, talk in enumerate(talks) for _ in range(talk[2])]))
    length = [prefix if group >= 0 else 0 for group, prefix, _ in talks]
    rows = []
    for number in turns:
        group, prefix, rounds = talks[number]
        inputs = length[number] + draw(st.integers(1 if length[number] == 0 else 0, 4))
        outputs = draw(st.integers(0, 4))
        length[number] = inputs + outputs
        alone = rounds == 1 and draw(st.booleans())
        rows.append((group, prefix if group >= 0 else 0, inputs, outputs, -1 if alone else number))
    return [list(column) for column in zip(*rows, strict=True)]


def spans(group, prefix, inputs, outputs, conversation):
    """The same rows, said as spans."""
    return [
        [(("group", g), 0, p), (("own", row) if talk < 0 else ("talk", talk), 0, i + o - p)]
        for row, (g, p, i, o, talk) in enumerate(zip(group, prefix, inputs, outputs, conversation, strict=True))
    ]


@settings(deadline=None)
@given(conversations())
def test_conversations_give_the_tree_of_the_general_way(columns):
    assert_same(intern_prefix_groups(*columns), intern_sequences(spans(*columns), columns[2]))


def test_a_prompt_goes_through_the_blocks_that_its_conversation_left():
    """Round 0 is 10 tokens and 6 of answer, round 1 goes on with 4 and 5."""
    content = intern_prefix_groups([-1, -1], [0, 0], [10, 20], [6, 5], [7, 7])
    assert content.path_node.tolist() == [0, 1, 0, 1, 2]
    assert content.path_end_token.tolist() == [10, 16, 10, 16, 25]
    assert content.output_node.tolist() == [1, 2]
    assert content.tree.shared.tolist() == [0, 1, -1]


def test_a_group_of_one_request_shares_nothing_with_the_groups_before():
    content = intern_prefix_groups([0, 0, 1], [3, 3, 2], [4, 5, 6], [1, 1, 1])
    assert content.tree.parent.tolist() == [-1, 0, 0, -1]
    assert content.path_node.tolist() == [0, 1, 0, 2, 3]


def test_large_and_sparse_groups_are_told_apart_as_small_ones_are():
    group = np.array([5, 10**6, 5, 10**6, 3])
    sparse = intern_prefix_groups(group, [9000, 20, 9000, 20, 4], [9001, 21, 9002, 22, 5], [1] * 5)
    dense = intern_prefix_groups([1, 2, 1, 2, 0], [9000, 20, 9000, 20, 4], [9001, 21, 9002, 22, 5], [1] * 5)
    assert_same(sparse, dense)


@pytest.mark.parametrize(
    ("first", "length", "found"), [([4, 9], [2, 3], [4, 5, 9, 10, 11]), ([4, 9, 1], [0, 1, 0], [9])]
)
def test_ranges_are_stretches_one_after_the_other(first, length, found):
    assert ranges(np.array(first), np.array(length)).tolist() == found
