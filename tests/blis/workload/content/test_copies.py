"""Copies: requests that begin as earlier ones did."""

import numpy as np

from blis.workload.assemble import assemble
from blis.workload.content.copies import intern_copies
from blis.workload.content.reuse import seen_tokens
from blis.workload.content.tree import intern_prefix_groups


def seen(depth, ago, inputs, outputs=None, group=None, prefix=None, conversation=None):
    n = len(inputs)
    columns = (
        np.full(n, -1) if group is None else np.array(group),
        np.zeros(n, np.int64) if prefix is None else np.array(prefix),
        np.array(inputs),
        np.full(n, 5) if outputs is None else np.array(outputs),
        None if conversation is None else np.array(conversation),
    )
    content = intern_copies(np.array(depth), np.array(ago), *columns)
    table = assemble(content, arrival_us=np.arange(n), input_tokens=columns[2], output_tokens=columns[3])
    return seen_tokens(table).tolist()


def test_a_request_begins_as_the_one_so_many_before():
    assert seen([9, 40, 30], [1, 1, 2], [100, 90, 80]) == [0, 40, 30]


def test_a_source_that_is_too_short_is_passed_over_for_an_earlier_one():
    assert seen([0, 0, 40], [1, 1, 1], [100, 10, 80]) == [0, 0, 40]


def test_a_nearer_one_is_taken_if_no_earlier_one_is_long_enough():
    assert seen([0, 0, 40], [1, 1, 2], [10, 100, 80]) == [0, 0, 40]


def test_where_none_is_long_enough_the_longest_is_repeated_as_far_as_its_prompt_goes():
    assert seen([0, 0, 70], [1, 1, 1], [50, 20, 80]) == [0, 0, 50]


def test_what_is_copied_from_a_copy_is_the_same_content():
    assert seen([0, 60, 30], [1, 1, 1], [100, 100, 100]) == [0, 60, 30]
    assert seen([0, 60, 60, 60], [1, 1, 1, 3], [100, 100, 100, 100]) == [0, 60, 60, 60]


def test_prefixes_stay_where_nothing_is_copied():
    assert seen([0, 0, 20], [1, 1, 1], [50, 50, 50], group=[0, 0, 0], prefix=[30, 30, 30]) == [0, 30, 20]


def test_conversations_go_on_with_all_that_was_said():
    assert seen([0, 0, 10], [1, 1, 1], [50, 100, 60], [5, 5, 5], conversation=[0, 0, 1]) == [0, 54, 10]


def test_without_copies_the_content_is_that_of_prefix_groups():
    random = np.random.default_rng(1)
    group, prefix = random.integers(-1, 3, 200), np.full(200, 40)
    inputs, outputs = random.integers(40, 90, 200), random.integers(0, 9, 200)
    prefix[group < 0] = 0
    zeros = np.zeros(200, np.int64)
    copies = intern_copies(zeros, zeros + 1, group, prefix, inputs, outputs)
    groups = intern_prefix_groups(group, prefix, inputs, outputs)
    np.testing.assert_array_equal(copies.path_node, groups.path_node)
    np.testing.assert_array_equal(copies.path_end_token, groups.path_end_token)
    np.testing.assert_array_equal(copies.tree.parent, groups.tree.parent)
