import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.assemble import assemble, default_uniform, table_from_tokens
from blis.workload.content.tree import intern_prefix_groups


def build(**changes):
    columns = {"arrival_us": [0, 5, 5], "input_tokens": [10, 10, 20], "output_tokens": [1, 0, 2]}
    content = intern_prefix_groups([-1] * 3, [0] * 3, columns["input_tokens"], columns["output_tokens"])
    return assemble(content, **{**columns, **changes})


def test_absent_columns_are_filled_in():
    table = build()
    assert len(table) == 3
    assert table.slo_class.tolist() == table.tenant.tolist() == table.round.tolist() == [0, 0, 0]
    assert table.session.tolist() == [-1, -1, -1]
    np.testing.assert_array_equal(table.uniform, default_uniform(3))
    assert table.request_id(2) == "request_2"


def test_columns_have_the_documented_types_and_are_frozen_copies():
    arrival = np.array([0, 5, 5])
    table = build(arrival_us=arrival)
    arrival[0] = 3
    assert table.arrival_us[0] == 0
    types = {"arrival_us": "i8", "input_tokens": "i8", "output_tokens": "i8", "path_offset": "i8", "path_node": "i4"}
    types |= {"path_end_token": "i8", "output_node": "i4", "slo_class": "i2", "tenant": "i4", "session": "i4"}
    types |= {"round": "i4", "uniform": "f8"}
    for name, dtype in types.items():
        assert getattr(table, name).dtype == np.dtype(dtype), name
        with pytest.raises(ValueError, match="read-only"):
            getattr(table, name)[0] = 0


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"arrival_us": [0, 5, 4]}, "request 2: arrival_us must be not less than the row before, got 4"),
        ({"arrival_us": [-1, 5, 5]}, "request 0: arrival_us must be in"),
        ({"arrival_us": [0, 5]}, "arrival_us must have 3 rows"),
        ({"arrival_us": [0.0, 5.0, np.nan]}, "arrival_us must hold numbers of the type int64"),
        ({"arrival_us": ["0", "5", "5"]}, "arrival_us must hold numbers"),
        ({"input_tokens": [10, 10, 0]}, "request 2: input_tokens must be in"),
        ({"output_tokens": [1, -1, 2]}, "request 1: output_tokens must be in"),
        ({"input_tokens": [10, 11, 20]}, "not of these lengths"),
        ({"uniform": [0, 0.5, 1.0]}, "request 2: uniform must be in"),
        ({"slo_class": 1}, "request 0: slo_class must be an index into slo_names, got 1"),
        ({"slo_class": 70000}, "slo_class must hold numbers of the type int16"),
        ({"tenant": [0, 0, -1]}, "request 2: tenant"),
        ({"session": 0}, "request 0: session"),
        ({"round_number": -1}, "request 0: round"),
        ({"request_ids": ["a", "b", "a"]}, "3 different names"),
    ],
)
def test_bad_columns_name_the_row_and_the_rule(changes, problem):
    with pytest.raises(InputError, match=problem):
        build(**changes)


def test_a_table_has_rows():
    with pytest.raises(InputError, match="at least one request"):
        table_from_tokens([], [], [])


def test_token_lists_are_sorted_by_arrival_and_keep_their_names():
    table = table_from_tokens([9, 3, 3], [[1, 2, 3], [1, 2], [1, 2, 9, 9]], [[4], [], [5, 6]])
    assert table.arrival_us.tolist() == [3, 3, 9]
    assert table.request_ids == ("request_1", "request_2", "request_0")
    assert table.input_tokens.tolist() == [2, 4, 3]
    assert table.output_tokens.tolist() == [0, 2, 1]
    assert table.path_node.tolist() == [0, 0, 1, 0, 2]
    assert table.output_node.tolist() == [0, 1, 2]


def test_token_lists_of_different_number_are_refused():
    with pytest.raises(InputError, match="1 arrivals, 2 prompts and 1 outputs"):
        table_from_tokens([0], [[1], [2]], [[]])
