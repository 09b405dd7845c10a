"""Names of rows as columns of a table."""

import numpy as np

from blis.workload.read.names import grouped_content, named_columns


def test_rows_are_numbered_by_what_they_are_called_in_order_of_appearance():
    rows = np.array([3, 1, 2, 0])
    found = named_columns(rows, ("b", "a", "", "b"), (), ("x", "y", "x", "x"))
    assert [found["slo_names"][number] for number in found["slo_class"]] == ["b", "a", "", "b"]
    assert (found["tenant"].tolist(), found["tenant_names"]) == ([0, 0, 0, 0], ("",))
    assert [found["session_names"][number] for number in found["session"]] == ["x", "y", "x", "x"]
    assert found["round_number"].tolist() == [0, 0, 1, 2]


def test_no_class_is_one_only_where_a_row_has_none():
    rows = np.arange(2)
    assert named_columns(rows, ("b", "a"), ("", "t"), ())["slo_names"] == ("b", "a")
    assert named_columns(rows, ("b", "a"), ("", "t"), ())["tenant_names"] == ("", "t")
    assert named_columns(rows, ("b", "a"), (), ())["slo_class"].tolist() == [0, 1]
    assert named_columns(rows[:1], ("b", ""), (), ())["slo_names"] == ("b",)


def test_a_row_without_a_session_is_none_and_no_round():
    found = named_columns(np.arange(3), (), (), ("", "x", ""))
    assert (found["session"].tolist(), found["round_number"].tolist()) == ([-1, 0, -1], [0, 0, 0])


def test_prompts_of_a_group_begin_alike_as_far_as_they_go():
    inputs, outputs = np.array([50, 90, 90, 90]), np.full(4, 5)
    content = grouped_content(np.arange(4), ("g", "g", "", "g"), np.array([70, 70, 70, 30]), inputs, outputs)
    first = content.path_offset[:-1]
    shared = content.tree.shared[content.path_node[first]] >= 0
    assert shared.tolist() == [True, True, False, True]
    assert content.path_end_token[first][shared].tolist() == [30, 30, 30]
