"""Every attempt is a row that asks for the same."""

import numpy as np

from blis.tables.attempts import with_attempts
from tests.blis.engine.plain_times import requests


def table():
    shared = [1, 2, 3, 4, 5]
    return requests([0, 5, 9], 3, [[*shared, 6], shared, [7, 8]])


def test_one_attempt_is_the_table_itself():
    found = table()
    assert with_attempts(found, 1) is found


def test_attempts_share_all_of_their_content():
    one, found = table(), with_attempts(table(), 3)
    assert len(found) == 9
    np.testing.assert_array_equal(found.input_tokens, np.tile(one.input_tokens, 3))
    for row in range(3):
        paths = [found.path_node[slice(*found.path_offset[k * 3 + row : k * 3 + row + 2])].tolist() for k in range(3)]
        assert paths[0] == paths[1] == paths[2]
        assert (found.tree.shared[paths[0]] >= 0).all()


def test_nodes_end_where_prompts_end():
    found = with_attempts(table(), 2)
    for row in range(len(found)):
        ends = found.path_end_token[slice(*found.path_offset[row : row + 2])]
        assert found.input_tokens[row] in ends
        assert ends[-1] == found.input_tokens[row] + found.output_tokens[row]
        answer = found.output_node[row]
        assert found.tree.start_token[answer] == found.input_tokens[row]
    np.testing.assert_array_equal(found.tree.start_token < found.tree.end_token, True)


def test_later_attempts_come_when_somebody_lets_them_with_numbers_of_their_own():
    found = with_attempts(table(), 2)
    assert found.arrival_us.tolist() == [0, 5, 9, -1, -1, -1]
    assert found.closed
    assert found.predecessor.tolist() == [-1] * 6
    assert found.think_us.tolist() == [0, 0, 0, 1, 1, 1]
    assert len(set(found.draws("choice-1"))) == 6
