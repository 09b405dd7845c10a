"""Under different adapters nothing is shared; under one, all that was."""

import numpy as np
import pytest

from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_prefix_groups, intern_sequences, token_spans
from tests.oracle.requests import STREAM, expand

N = 60


def table_of(content, inputs, outputs, **more):
    return assemble(content, arrival_us=np.arange(len(inputs)), input_tokens=inputs, output_tokens=outputs, **more)


def random_content(seed: int):
    """Texts that begin alike and branch anywhere."""
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 2, rng.integers(2, 12)).tolist() for _ in range(N)]
    inputs = [int(rng.integers(1, len(text))) for text in texts]
    outputs = [len(text) - prompt for text, prompt in zip(texts, inputs, strict=True)]
    return intern_sequences([token_spans(text) for text in texts], inputs), inputs, outputs


def common(first, second) -> int:
    """How many tokens two rows have in common from the start."""
    a, b = (one.prompt + one.output for one in (first, second))
    return next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


@pytest.mark.parametrize("seed", range(5))
def test_two_requests_share_as_much_as_before_if_they_have_one_adapter_and_else_nothing(seed):
    content, inputs, outputs = random_content(seed)
    adapter = np.random.default_rng(seed).integers(-1, 3, N)
    before = expand(table_of(content, inputs, outputs))
    after = expand(table_of(content, inputs, outputs, adapter=adapter, adapter_names=("a", "b", "c")))
    for i in range(N):
        for j in range(i):
            assert common(after[i], after[j]) == (common(before[i], before[j]) if adapter[i] == adapter[j] else 0)


def test_the_tree_keeps_its_rules():
    content, inputs, outputs = random_content(9)
    adapter = np.arange(N) % 3 - 1
    table = table_of(content, inputs, outputs, adapter=adapter, adapter_names=("a", "b"))
    tree, nodes = table.tree, len(table.tree.parent)
    assert (tree.parent < np.arange(nodes)).all() and (tree.start_token < tree.end_token).all()
    inner = tree.parent >= 0
    assert (tree.end_token[tree.parent[inner]] == tree.start_token[inner]).all()
    np.testing.assert_array_equal(tree.shared >= 0, np.bincount(table.path_node, minlength=nodes) > 1)
    for row, one in enumerate(expand(table)):
        first = (one.prompt + one.output)[one.prompt.__len__() - (not one.output)]
        assert first // STREAM == table.output_node[row]


def test_who_all_have_one_adapter_share_what_they_shared():
    group, prefix = np.zeros(4, np.int64), np.full(4, 40)
    content = intern_prefix_groups(group, prefix, prefix + 5, prefix)
    table = table_of(content, prefix + 5, prefix, adapter=0, adapter_names=("a",))
    assert table.tree.n_shared == 1


def test_without_adapters_the_content_is_what_it_was():
    content, inputs, outputs = random_content(3)
    table = table_of(content, inputs, outputs, adapter=-1, adapter_names=("a",))
    assert table.adapter is None and table.adapter_names == () and table.tree is content.tree
