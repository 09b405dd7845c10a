from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from blis.tables.limits import within_limits
from blis.workload.assemble import table_from_tokens
from tests.blis.tables.test_requests import make_table


def test_sequences_end_where_the_prompt_leaves_room():
    table = replace(make_table(4), input_tokens=np.array([5, 5, 9, 12]), output_tokens=np.array([4, 9, 5, 5]))
    ended = within_limits(table, 0, 10)
    assert ended.output_tokens.tolist() == [4, 5, 1, 5] and ended.input_tokens.tolist() == [5, 5, 9, 12]
    assert within_limits(ended, 0, 10) is ended
    assert within_limits(table, 0, 0) is table and within_limits(table, 12, 17) is table


TOKENS = st.lists(st.integers(0, 2), min_size=1, max_size=12)


def streams(table):
    """Each row's tokens as (node, position): equal beginnings are equal content."""
    found = []
    for row in range(len(table)):
        place, tokens = 0, []
        for entry in range(table.path_offset[row], table.path_offset[row + 1]):
            end = int(table.path_end_token[entry])
            tokens += [(int(table.path_node[entry]), at) for at in range(place, end)]
            place = end
        found.append(tokens)
    return found


def common(one, other):
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


@given(st.lists(st.tuples(TOKENS, st.lists(st.integers(0, 2), max_size=6)), min_size=1, max_size=8), st.integers(1, 12))
def test_of_prompts_the_beginning_is_kept_and_shared_as_before_and_what_is_answered_then_is_new(requests, longest):
    prompts, outputs = [a for a, _ in requests], [b for _, b in requests]
    table = table_from_tokens(list(range(len(requests))), prompts, outputs)
    cut = within_limits(table, longest, 0)
    assert cut.input_tokens.tolist() == [min(len(prompt), longest) for prompt in prompts]
    assert cut.output_tokens.tolist() == table.output_tokens.tolist()

    own = [
        (prompt[:longest] + [("own", row, i) for i in range(len(output))]) if len(prompt) > longest else prompt + output
        for row, (prompt, output) in enumerate(requests)
    ]
    seen = streams(cut)
    assert [len(tokens) for tokens in seen] == [len(tokens) for tokens in own]
    for i in range(len(own)):
        for j in range(i):
            assert common(seen[i], seen[j]) == common(own[i], own[j])


@given(st.lists(st.tuples(TOKENS, st.lists(st.integers(0, 2), max_size=6)), min_size=1, max_size=8), st.integers(1, 12))
def test_the_table_is_like_one_of_such_prompts(requests, longest):
    prompts, outputs = [a for a, _ in requests], [b for _, b in requests]
    table = within_limits(table_from_tokens(list(range(len(requests))), prompts, outputs), longest, 0)
    tree, rows = table.tree, np.arange(len(table))
    inside = tree.parent >= 0
    assert (tree.parent < np.arange(len(tree.parent))).all()
    assert (tree.end_token[tree.parent[inside]] == tree.start_token[inside]).all()
    walked = np.unique(table.path_node)
    np.testing.assert_array_equal(np.bincount(table.path_node)[walked] > 1, tree.shared[walked] >= 0)
    assert sorted(tree.shared[tree.shared >= 0]) == list(range(tree.n_shared))
    first_behind = table.input_tokens - (table.output_tokens == 0)
    assert [streams(table)[r][first_behind[r]][0] for r in rows] == table.output_node.tolist()
