"""Columns as a recording: what is sorted, left out, counted and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.recorded.build import recording

COLUMNS: dict[str, Any] = {
    "arrival_us": [300.4, 100, 200],
    "first_token_us": [400, 150, 250],
    "completed_us": [500, 150, 350],
    "input_tokens": [30, 10, 20],
    "output_tokens": [3, 1, 2],
    "ok": True,
    "request_ids": ["c", "a", "b"],
}


def made(**changes: Any):
    return recording("log", **(COLUMNS | changes))


def test_rows_are_sorted_and_the_clock_begins_with_the_first():
    found = made(slo_class=["slow", "fast", "slow"], warm_up=[False, True, False])
    assert found.requests.request_ids == ("a", "b", "c")
    assert found.requests.arrival_us.tolist() == [0, 100, 200]
    assert found.first_token_us.tolist() == [50, 150, 300] and found.completed_us.tolist() == [50, 250, 400]
    assert found.requests.input_tokens.tolist() == [10, 20, 30]
    assert [found.requests.slo_names[number] for number in found.requests.slo_class] == ["fast", "slow", "slow"]
    assert found.warm_up.tolist() == [True, False, False]
    assert (found.failed, found.invalid, found.notes) == (0, 0, ())


def test_times_far_from_zero_keep_their_microseconds():
    shift = 1_700_000_000_000_000
    columns = ("arrival_us", "first_token_us", "completed_us")
    late = {name: [int(time) + shift for time in COLUMNS[name]] for name in columns}
    assert made(**late).completed_us.tolist() == made(arrival_us=[300, 100, 200]).completed_us.tolist()


def test_what_failed_or_is_not_in_order_is_left_out_and_counted():
    found = made(ok=[True, False, True], first_token_us=[299, 150, 250])
    assert found.requests.request_ids == ("b",) and (found.failed, found.invalid) == (1, 1)
    assert found.notes == (
        "1 requests got no answer and are left out, 'a' first",
        "1 requests have times that are not in order and are left out, 'c' first",
    )


def test_answers_of_which_only_the_end_is_known():
    """An answer of one token begins with its end."""
    found = made(first_token_us=[-1, -1, 250])
    assert found.streamed.tolist() == [True, True, False] and found.invalid == 0
    np.testing.assert_array_equal(found.ttft_us, [50, 50, np.nan])
    np.testing.assert_array_equal(found.tpot_us, [np.nan, 100, np.nan])
    assert found.e2e_us.tolist() == [50, 150, 200]
    assert found.notes == ("1 answers were not streamed: of them only the end is known, no first token",)


def test_where_every_answer_begins_with_its_end_none_was_streamed():
    found = made(first_token_us=[500, 150, 350])
    assert found.streamed.tolist() == [True, False, False] and "2 answers were not streamed" in found.notes[0]
    assert made(first_token_us=[500, 150, 250]).streamed.all()


def test_what_was_found_in_the_cache_is_shared_with_who_came_before():
    found = made(cached_tokens=[0, 0, 16], input_tokens=[30, 40, 20])
    requests = found.requests
    first = requests.path_node[requests.path_offset[:-1]].tolist()
    assert first[0] == first[1] != first[2] and "1 prompts were in the cache in part" in found.notes[0]
    none = made(cached_tokens=[0, 16, 0])
    assert none.notes[1].startswith("of 1 of them nobody before had as many tokens")


def test_a_request_that_was_let_in_before_it_came_is_not_in_order():
    found = made(scheduled_us=[300, 100, 200])
    assert found.invalid == 1 and found.scheduled_us is not None and found.scheduled_us.tolist() == [0, 100]


@pytest.mark.parametrize("times", [[float("nan"), 150, 250], [float("inf"), 150, 250]])
def test_a_time_that_is_none_is_not_in_order(times):
    assert made(first_token_us=times).invalid == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ok": False}, "log: no request was answered"),
        ({"completed_us": [0, 0, 0]}, "log: no request was answered, with its times in order"),
        ({"request_ids": ["c", "a", "c"]}, "log: request 'c' is there 2 times"),
        ({"completed_us": [500, 150, 1e15]}, "log: from the first to the last it is more than a year"),
    ],
)
def test_what_cannot_be_a_recording_is_refused(changes, said):
    with pytest.raises(InputError, match=said):
        made(**changes)


def test_members_of_a_group_share_no_more_than_their_input():
    found = made(prefix_group=["g", "g", ""], prefix_tokens=20).requests
    first = found.path_node[found.path_offset[:-1]]
    assert found.input_tokens.tolist() == [10, 20, 30]
    assert first[0] == first[2] != first[1] and found.path_end_token[0] == 10
