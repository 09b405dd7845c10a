import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.content.reuse import seen_tokens
from blis.workload.read.hash_blocks import HashBlocks
from blis.workload.read.traffic import FileRows, traffic


def requests(**changes):
    """Four rows of 10 tokens, in ms."""
    usual = {
        "times": np.array([30, 10, 20, 10]),
        "time_unit": "ms",
        "unit_given": False,
        "input_tokens": np.array([10, 11, 12, 13]),
        "output_tokens": np.array([1, 2, 0, 0]),
    }
    return traffic(FileRows("t", **{**usual, **changes}))


def test_rows_become_requests_in_order_of_time_from_0():
    table = requests()
    assert table.arrival_us.tolist() == [0, 0, 10_000, 20_000]
    assert table.input_tokens.tolist() == [11, 13, 12, 10]
    assert table.request_ids == ("request_1", "request_3", "request_2", "request_0")
    assert table.notes == (
        "the first request comes at 10 ms: times count from there",
        "times are in ms, as the format says",
        "2 of 4 rows come before the row above: sorted by time",
        "2 of 4 rows ask for 0 tokens, request_2 first",
    )


def test_a_file_in_order_is_left_as_it_is():
    table = requests(times=np.array([0, 1, 1, 5]), output_tokens=np.ones(4, int))
    assert table.request_ids is None and table.notes == ("times are in ms, as the format says",)


def test_what_is_left_out_is_counted_and_the_others_keep_their_names():
    table = requests(kept=np.array([True, False, True, True]), left_out="are odd", notes=("first",))
    assert table.request_ids == ("request_3", "request_2", "request_0")
    assert table.notes[:2] == ("first", "1 of 4 rows are odd: left out")


def test_hashes_follow_their_rows():
    hashes = HashBlocks(np.array([1, 2, 9, 1, 2, 1, 3]), np.array([2, 1, 2, 2]), 5)
    table = requests(hashes=hashes, input_tokens=np.full(4, 10))
    assert table.request_ids == ("request_1", "request_3", "request_2", "request_0")
    assert seen_tokens(table).tolist() == [0, 0, 5, 10]


def test_a_file_without_a_request_is_refused():
    with pytest.raises(InputError, match="t: all 4 rows are odd"):
        requests(kept=np.zeros(4, bool), left_out="are odd")
