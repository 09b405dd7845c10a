import numpy as np

from blis.workload.assemble import assemble
from blis.workload.content.reuse import seen_tokens
from blis.workload.content.tree import intern_prefix_groups
from blis.workload.read.turns import in_turns, turns_before

#: Six requests: two sessions that overlap, and one request of none.
ARRIVALS = [0, 10, 20, 30, 40, 50]
SESSIONS = [0, 1, 0, -1, 1, 0]
ROUNDS = [0, 0, 1, 0, 1, 2]


def table():
    n = len(ARRIVALS)
    inputs = np.arange(10, 10 + n)
    groups = np.array(SESSIONS)
    content = intern_prefix_groups(groups, np.where(groups >= 0, 5, 0), inputs, np.ones(n))
    return assemble(
        content,
        arrival_us=ARRIVALS,
        input_tokens=inputs,
        output_tokens=np.ones(n),
        session=SESSIONS,
        round_number=ROUNDS,
        session_names=("a", "b"),
    )


def test_the_turn_before_is_the_round_before_of_the_same_session():
    assert turns_before(table()).tolist() == [-1, -1, 0, -1, 1, 2]


UNKNOWN = np.full(6, -1)


def test_turns_stand_behind_the_row_that_opens_their_session():
    found = in_turns(table(), turns_before(table()), UNKNOWN, np.array([0, 0, 7, 0, 0, 3]))
    assert found.request_ids == ("request_0", "request_2", "request_5", "request_1", "request_4", "request_3")
    assert found.arrival_us.tolist() == [0, -1, -1, 10, -1, 30]
    assert found.predecessor.tolist() == [-1, 0, 1, -1, 3, -1]
    assert found.think_us.tolist() == [0, 7, 3, 0, 1, 0]
    assert found.input_tokens.tolist() == [10, 12, 15, 11, 14, 13]
    assert seen_tokens(found).tolist() == [0, 5, 5, 0, 5, 0]
    assert found.notes == ("3 of 6 requests come when the one before is answered, after a pause",)


def test_several_may_follow_one():
    found = in_turns(table(), np.array([-1, 0, 0, 1, -1, -1]), UNKNOWN, np.full(6, 4))
    assert found.predecessor.tolist() == [-1, 0, 0, 1, -1, -1]
    assert found.arrival_us.tolist() == [0, -1, -1, -1, 40, 50]


def test_without_turns_the_table_stays_as_it_is():
    one = table()
    assert in_turns(one, UNKNOWN, UNKNOWN, UNKNOWN) is one


def test_the_pause_is_what_the_answer_left_of_the_time_between_requests():
    took_us = np.array([5, 20, 15, 5, 5, 5])
    found = in_turns(table(), turns_before(table()), took_us, UNKNOWN)
    assert found.think_us.tolist() == [0, 15, 15, 0, 10, 0]


def test_who_came_before_the_answer_did_not_wait_for_it():
    found = in_turns(table(), turns_before(table()), np.array([5, 35, 5, 5, 5, 5]), UNKNOWN)
    assert found.arrival_us.tolist() == [0, -1, -1, 10, 30, 40]
    assert found.predecessor.tolist() == [-1, 0, 1, -1, -1, -1]
    assert found.notes[-1] == "1 turns came before the answer to the one before: they keep their arrivals"


def test_where_nothing_is_known_of_answers_the_pause_is_from_request_to_request_and_that_is_said():
    found = in_turns(table(), turns_before(table()), np.array([5, -1, -1, 5, 5, 5]), UNKNOWN)
    assert found.think_us.tolist() == [0, 15, 30, 0, 30, 0]
    said = "of 2 turns it is the pause from request to request: when answers came is not known"
    assert found.notes[-1] == said
