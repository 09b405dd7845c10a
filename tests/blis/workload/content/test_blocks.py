import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blis.workload.content.blocks import intern_blocks
from blis.workload.content.tree import intern_sequences
from tests.blis.workload.content.test_tree import assert_same

ROW = st.tuples(st.lists(st.integers(0, 2), max_size=6), st.integers(0, 3), st.integers(0, 3))


def both_ways(rows, size):
    """The content of rows (ids, tokens behind the last whole block, output), block by block and as spans."""
    inputs = np.array([size * len(ids) + tail for ids, tail, _ in rows])
    outputs = np.array([output for _, _, output in rows])
    spans = [
        [*((block, 0, size) for block in ids), (("own", row), 0, tail + output)]
        for row, (ids, tail, output) in enumerate(rows)
    ]
    flat = np.array([block for ids, _, _ in rows for block in ids], np.int64)
    counts = np.array([len(ids) for ids, _, _ in rows])
    return intern_blocks(flat, counts, size, inputs, outputs), intern_sequences(spans, inputs.tolist())


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=9), st.integers(1, 4))
def test_blocks_become_the_tree_of_their_tokens(rows, size):
    rows = [(ids, tail if ids else tail + 1, output) for ids, tail, output in rows]
    assert_same(*both_ways(rows, size))


@settings(deadline=None)
@given(st.lists(ROW.filter(lambda row: row[0]), min_size=1, max_size=9), st.data())
def test_a_prompt_may_end_inside_its_last_block(rows, data):
    sizes = [data.draw(st.integers(1, 4)) for _ in range(3)]  # a last block of the same id has the same size
    inputs = np.array([4 * (len(ids) - 1) + sizes[ids[-1]] for ids, _, _ in rows])
    outputs = np.array([output for _, _, output in rows])
    names = [[*ids[:-1], 10 + ids[-1]] for ids, _, _ in rows]
    spans = [
        [*((name, 0, 4) for name in row[:-1]), (row[-1], 0, sizes[row[-1] - 10]), (("own", number), 0, outputs[number])]
        for number, row in enumerate(names)
    ]
    flat, counts = np.concatenate(names), np.array([len(row) for row in names])
    assert_same(intern_blocks(flat, counts, 4, inputs, outputs), intern_sequences(spans, inputs.tolist()))


@pytest.mark.parametrize("large", [0, 2**62])
def test_ids_may_be_of_any_size(large):
    near, _ = both_ways([([large, large + 1], 1, 1), ([large, large + 2], 0, 1)], 2)
    assert near.path_node.tolist() == [0, 1, 0, 2]
