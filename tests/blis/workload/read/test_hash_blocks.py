import numpy as np
import pytest

from blis.errors import InputError
from blis.workload.read.hash_blocks import started_blocks
from blis.workload.read.json_rows import JsonRows


def started(rows, usual=512, given=None):
    """The blocks of rows (input tokens, ids), and what is said of them."""
    objects = [{"hash_ids": ids} for _, ids in rows]
    inputs = np.array([tokens for tokens, _ in rows])
    return started_blocks(JsonRows("t", objects, [f"line {i + 1}" for i in range(len(rows))]), inputs, usual, given)


@pytest.mark.parametrize("size", [16, 64, 128, 256, 512, 1024])
def test_the_number_of_ids_tells_the_size(size):
    blocks, said = started([(size, [1]), (size + 1, [1, 2]), (20 * size, [1, *range(3, 22)])])
    assert blocks.tokens == size
    assert said == (() if size == 512 else (f"blocks of {size} tokens, by the number of ids",))


@pytest.mark.parametrize("usual", [16, 512])
def test_the_usual_size_is_taken_where_it_fits(usual):
    assert started([(10, [1]), (16, [2])], usual)[0].tokens == usual


def test_a_size_that_is_given_is_taken():
    blocks, said = started([(100, [1, 2, 3])], given=48)
    assert blocks.tokens == 48 and said == ()


@pytest.mark.parametrize(
    ("rows", "given", "problem"),
    [
        (
            [(600, [1, 2]), (600, [3])],
            None,
            r"line 2: column hash_ids: \[3\] has 1 ids, but 600 tokens start 2 blocks of 512; as many of 600 to",
        ),
        (
            [(100, [1, 2, 3])],
            None,
            r"line 1: .* has 3 ids, but 100 tokens start 1 blocks of 512; as many of 34 to 49; all rows fit 34 to 49:"
            r" say block_tokens=N in the workload",
        ),
        (
            [(600, [1])],
            None,
            r"blocks of 512; as many of 600 to 1048576; all rows fit 600 to 1048576: say block",
        ),
        ([(10, [1] * 11)], None, r"11 ids, but 10 tokens start 1 blocks of 512, and as many of no other size$"),
        ([(10, [])], None, r"\[\] has 0 ids, but 10 tokens start 1 blocks of 512, and as many of no other size$"),
        ([(1024, [1, 2])], 256, r"has 2 ids, but 1024 tokens start 4 blocks of 256; as many of 512 to 1023"),
    ],
)
def test_a_count_that_does_not_fit_names_the_sizes_that_would(rows, given, problem):
    with pytest.raises(InputError, match=problem):
        started(rows, given=given)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (
            [(600, [1, 2]), (1024, [1, 2])],
            "line 1: .* id 2 stands for 88 tokens, but for 512 in line 2: a hash has one",
        ),
        ([(600, [1, 2]), (700, [1, 2])], "line 1: .* id 2 stands for 88 tokens, but for 188 in line 2"),
        ([(700, [5, 2**70]), (600, [1, 2**70])], f"line 2: .* id {2**70} stands for 88 tokens, but for 188 in line 1"),
    ],
)
def test_a_hash_of_two_sizes_is_refused(rows, problem):
    with pytest.raises(InputError, match=problem):
        started(rows)


def test_rows_can_be_chosen():
    blocks, _ = started([(600, [1, 2]), (100, [3]), (1200, [1, 4, 5])])
    chosen = blocks.of_rows(np.array([2, 0]))
    assert chosen.ids.tolist() == [1, 4, 5, 1, 2] and chosen.blocks.tolist() == [3, 2]
