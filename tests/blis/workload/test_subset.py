from dataclasses import replace

import numpy as np
import pytest

from blis.errors import InputError
from blis.tables.placement import Placement
from blis.workload.assemble import table_from_tokens
from blis.workload.content.adapters import with_adapters
from blis.workload.content.reuse import ideal_hits
from blis.workload.subset import keep_rows

PREFIX = list(range(8))
PROMPTS = [[*PREFIX, 100], [*PREFIX, 200], [300, 301], [*PREFIX, 100, 101]]
OUTPUTS = [[1000], [2000, 2001], [], [4000]]


@pytest.fixture
def table():
    return table_from_tokens([0, 5, 5, 9], PROMPTS, OUTPUTS)


def test_kept_rows_are_as_if_the_others_had_never_been(table):
    kept = keep_rows(table, np.array([True, False, True, True]))
    alone = table_from_tokens([0, 5, 9], [PROMPTS[i] for i in (0, 2, 3)], [OUTPUTS[i] for i in (0, 2, 3)])
    assert kept.request_ids == ("request_0", "request_2", "request_3")
    for name in ("arrival_us", "input_tokens", "output_tokens"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(alone, name))
    for block_tokens in (1, 2, 3, 4):
        assert ideal_hits(kept, block_tokens) == ideal_hits(alone, block_tokens)
    np.testing.assert_array_equal(kept.uniform, table.uniform[[0, 2, 3]])


def test_only_what_two_kept_rows_touch_is_shared(table):
    kept = keep_rows(table, np.array([True, False, True, False]))
    assert kept.tree.n_shared == 0
    assert table.tree.n_shared > 0


def test_scored_rows_and_placements_go_along(table):
    table = replace(
        table,
        scored=(1, 3),
        placement=np.array([0, 1, 0, 1], np.int16),
        placements=(Placement(), Placement({"gpu": "H100"})),
    )
    kept = keep_rows(table, np.array([True, False, True, True]))
    assert kept.scored_rows == slice(1, 2)
    assert kept.placement.tolist() == [0, 0, 1]


def test_arrays_are_read_only_and_none_left_is_an_error(table):
    kept = keep_rows(table, np.array([False, True, True, False]))
    for name in ("arrival_us", "path_node", "path_offset"):
        assert not getattr(kept, name).flags.writeable
    with pytest.raises(InputError, match="no request is left"):
        keep_rows(table, np.zeros(4, bool))


def test_adapters_go_along_as_long_as_any_row_has_one(table):
    table = with_adapters(table, np.array([-1, 1, -1, 1], np.int32), ("a", "b"))
    assert keep_rows(table, np.array([True, True, False, False])).adapter.tolist() == [-1, 1]
    assert keep_rows(table, np.array([True, False, True, False])).adapter is None
