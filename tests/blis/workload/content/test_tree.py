import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blis.errors import InputError
from blis.workload.content.tree import InternedContent, intern_prefix_groups, intern_sequences, token_spans

BLOCK_SIZES = (1, 2, 3, 5, 16)

TOKEN_ROW = st.tuples(
    st.lists(st.integers(0, 2), min_size=1, max_size=10), st.lists(st.integers(0, 2), max_size=5)
)  # few values, so that sequences share a lot
SPAN_ROW = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=5
).filter(lambda spans: any(length for _, _, length in spans))


@st.composite
def prefix_group_rows(draw):
    """Columns group, prefix_tokens, input_tokens, output_tokens."""
    rows = []
    for _ in range(draw(st.integers(1, 9))):
        group, prefix = draw(st.integers(-1, 2)), draw(st.integers(0, 12))
        prefix = prefix if group >= 0 else 0
        rows.append((group, prefix, max(1, prefix + draw(st.integers(0, 4))), draw(st.integers(0, 4))))
    return [list(column) for column in zip(*rows, strict=True)]


def prefix_group_spans(group, prefix, inputs, outputs):
    """The same rows, said as spans."""
    return [
        [(("group", g), 0, p), (("own", row), 0, i + o - p)]
        for row, (g, p, i, o) in enumerate(zip(group, prefix, inputs, outputs, strict=True))
    ]


def arrays(content: InternedContent):
    tree = content.tree
    return [tree.parent, tree.start_token, tree.end_token, tree.shared, *content[1:]]


def assert_same(a: InternedContent, b: InternedContent):
    for x, y in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(x, y)
        assert x.dtype == y.dtype


def path(content: InternedContent, row: int):
    """(nodes, ends) of a row."""
    part = slice(content.path_offset[row], content.path_offset[row + 1])
    return content.path_node[part], content.path_end_token[part]


def blocks(content: InternedContent, row: int, size: int):
    """(node, block index) of every full block of a row: the node of the block's last token."""
    nodes, ends = path(content, row)
    return [(int(nodes[np.searchsorted(ends, (b + 1) * size)]), b) for b in range(ends[-1] // size)]


def assert_blocks_equal_iff_tokens_are(content: InternedContent, sequences):
    for size in BLOCK_SIZES:
        known = [blocks(content, row, size) for row in range(len(sequences))]
        for a, b in itertools.combinations(range(len(sequences)), 2):
            for block in range(min(len(known[a]), len(known[b]))):
                end = (block + 1) * size
                assert (known[a][block] == known[b][block]) == (sequences[a][:end] == sequences[b][:end])


def assert_is_radix_tree(content: InternedContent, sequences, input_tokens):
    tree = content.tree
    touches = np.bincount(content.path_node, minlength=len(tree.parent))
    children = np.bincount(tree.parent[tree.parent >= 0], minlength=len(tree.parent))
    stops = {}
    for row, sequence in enumerate(sequences):
        nodes, ends = path(content, row)
        assert list(tree.parent[nodes]) == [-1, *nodes[:-1]]
        assert list(tree.start_token[nodes]) == [0, *ends[:-1]]
        np.testing.assert_array_equal(tree.end_token[nodes], ends)
        assert ends[-1] == len(sequence)
        assert np.all(touches[nodes[:-1]] > 1), "what one request alone touches is one node, the last"
        generated = input_tokens[row] < len(sequence)
        output_node = nodes[np.searchsorted(ends, input_tokens[row] + generated)]
        assert content.output_node[row] == output_node
        for node, end in zip(nodes, ends, strict=True):
            stops.setdefault(node, set()).update(end for end in (len(sequence), input_tokens[row]))
            if touches[node] > 1:
                assert not tree.start_token[node] < input_tokens[row] < end, "a prompt ends inside a shared node"
    for node, end in enumerate(tree.end_token):
        assert tree.parent[node] < node
        assert tree.start_token[node] < end
        assert children[node] > 1 or end in stops[node], "cut where nothing branches or ends"
    assert list(tree.shared[touches > 1]) == list(range(content.tree.n_shared))
    assert np.all(tree.shared[touches == 1] == -1)


@settings(deadline=None)
@given(prefix_group_rows())
def test_prefix_groups_give_the_tree_of_the_general_way_and_of_the_tokens(columns):
    group, prefix, inputs, outputs = columns
    content = intern_prefix_groups(*columns)
    assert_same(content, intern_sequences(prefix_group_spans(*columns), inputs))
    tokens = [
        [("group", g, i) if i < p else ("own", row, i) for i in range(n + o)]
        for row, (g, p, n, o) in enumerate(zip(group, prefix, inputs, outputs, strict=True))
    ]
    assert_blocks_equal_iff_tokens_are(content, tokens)
    assert_is_radix_tree(content, tokens, inputs)


@settings(deadline=None)
@given(st.lists(TOKEN_ROW, min_size=1, max_size=8))
def test_token_lists_become_a_radix_tree(rows):
    sequences = [prompt + output for prompt, output in rows]
    inputs = [len(prompt) for prompt, _ in rows]
    content = intern_sequences([token_spans(sequence) for sequence in sequences], inputs)
    assert_blocks_equal_iff_tokens_are(content, sequences)
    assert_is_radix_tree(content, sequences, inputs)


@settings(deadline=None)
@given(st.lists(SPAN_ROW, min_size=1, max_size=8), st.data())
def test_spans_mean_their_tokens(rows, data):
    tokens = [[1000 * ord(s) + i for s, start, n in spans for i in range(start, start + n)] for spans in rows]
    inputs = [data.draw(st.integers(1, len(sequence))) for sequence in tokens]
    content = intern_sequences(rows, inputs)
    assert_same(content, intern_sequences([token_spans(sequence) for sequence in tokens], inputs))
    assert_is_radix_tree(content, tokens, inputs)


def test_a_large_table_is_the_same_both_ways():
    random = np.random.default_rng(5)
    group = random.integers(-1, 30, 2000)
    prefix = np.where(group >= 0, random.integers(1, 9, 2000) * 100, 0)
    inputs = prefix + random.integers(1, 50, 2000)
    outputs = random.integers(0, 50, 2000)
    columns = [column.tolist() for column in (group, prefix, inputs, outputs)]
    assert_same(intern_prefix_groups(*columns), intern_sequences(prefix_group_spans(*columns), columns[2]))


def test_two_requests_of_a_group_share_one_node_and_keep_one_own_node_each():
    content = intern_prefix_groups([7, 7], [100, 100], [150, 130], [20, 1])
    assert content.path_node.tolist() == [0, 1, 0, 2]
    assert content.path_end_token.tolist() == [100, 170, 100, 131]
    assert content.tree.shared.tolist() == [0, -1, -1]
    assert content.output_node.tolist() == [1, 2]


def test_a_lone_member_of_a_group_is_one_own_node():
    content = intern_prefix_groups([0, -1], [100, 0], [150, 150], [5, 5])
    assert content.path_node.tolist() == [0, 1]
    assert content.tree.n_shared == 0


def test_a_prompt_that_ends_with_the_prefix_has_its_output_behind_it():
    content = intern_prefix_groups([0, 0, 0], [64, 64, 64], [64, 64, 64], [10, 0, 3])
    assert content.path_node.tolist() == [0, 1, 0, 0, 2]
    assert content.output_node.tolist() == [1, 0, 2]


def test_a_longer_prefix_extends_a_shorter_one():
    content = intern_prefix_groups([0, 0, 0], [64, 128, 128], [70, 140, 141], [1, 1, 1])
    assert content.tree.start_token.tolist() == [0, 64, 64, 128, 128]
    assert content.tree.parent.tolist() == [-1, 0, 0, 2, 2]


def test_a_next_turn_walks_through_the_answer_before_it():
    first = [("chat", 0, 30)]  # a prompt of 20 tokens and an answer of 10
    second = [("chat", 0, 30), ("chat", 1000, 5), ("answer", 0, 7)]
    content = intern_sequences([first, second], [20, 35])
    assert content.path_node.tolist() == [0, 1, 0, 1, 2]
    assert content.path_end_token.tolist() == [20, 30, 20, 30, 42]
    assert content.output_node.tolist() == [1, 2]


def test_equal_token_runs_behind_different_beginnings_are_different_nodes():
    content = intern_sequences([token_spans([1, 5, 5]), token_spans([2, 5, 5])], [2, 2])
    assert content.path_node.tolist() == [0, 1]


def test_no_requests_are_no_nodes():
    for content in (intern_sequences([], []), intern_prefix_groups([], [], [], [])):
        assert content.path_offset.tolist() == [0]
        assert len(content.tree.parent) == 0


def test_the_arrays_cannot_be_changed():
    for array in arrays(intern_prefix_groups([0], [1], [2], [3])):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    ("sequences", "inputs", "problem"),
    [
        ([[("a", 0, 5)], []], [5, 1], "request 1: a prompt of 1 tokens in a sequence of 0"),
        ([[("a", 0, 5)]], [6], "request 0: a prompt of 6 tokens in a sequence of 5"),
        ([[("a", 0, 5)]], [0], "request 0: a prompt of 0 tokens"),
        ([[("a", 0, 5), ("b", 0, -1)]], [5], "request 0: a span of -1 tokens"),
    ],
)
def test_bad_sequences_name_the_row(sequences, inputs, problem):
    with pytest.raises(InputError, match=problem):
        intern_sequences(sequences, inputs)


@pytest.mark.parametrize(("prefix", "n_input", "output"), [(11, 10, 1), (-1, 10, 1), (0, 0, 1), (0, 10, -1)])
def test_bad_prefix_rows_name_the_row(prefix, n_input, output):
    with pytest.raises(InputError, match="request 1: prefix"):
        intern_prefix_groups([0, 0], [5, prefix], [10, n_input], [1, output])
