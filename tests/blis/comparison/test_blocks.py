"""Blocks of time: how long, how many, and what an interval over them rests on."""

import numpy as np
import pytest

from blis.comparison.blocks import time_blocks, too_short
from blis.comparison.statistics import block_interval


def every(gap_us, n, start_us=0):
    return start_us + gap_us * np.arange(n)


@pytest.mark.parametrize(
    ("e2e_p99_us", "length_us"),
    [
        (20, 100),
        (19, 100),  # 10.5 of them would fit
        (10, 50),
        (4, 20),
    ],
)
def test_a_block_lasts_five_times_the_tail_of_e2e(e2e_p99_us, length_us):
    blocks = time_blocks(every(1, 1000), e2e_p99_us)
    assert blocks.length_us == length_us
    assert blocks.of_row.tolist() == [row // length_us for row in range(1000)]
    assert blocks.count == 1000 // length_us


def test_what_is_left_over_belongs_to_the_last_one():
    blocks = time_blocks(every(1, 1099, start_us=7), 20)
    assert (blocks.length_us, blocks.count) == (109, 10)
    assert blocks.of_row[[0, 108, 109, 1089, 1098]].tolist() == [0, 0, 1, 9, 9]


def test_a_block_may_hold_no_rows():
    blocks = time_blocks(np.array([0, 5, 105, 999]), 20)
    assert blocks.of_row.tolist() == [0, 0, 1, 9]


@pytest.mark.parametrize("arrival_us", [every(1, 999), np.array([], np.int64), np.array([3])])
def test_fewer_than_ten_are_too_few(arrival_us):
    assert time_blocks(arrival_us, 20) is None


def test_there_are_200_at_most_even_if_nothing_takes_any_time():
    blocks = time_blocks(every(1000, 1000), 0.0)
    assert (blocks.count, blocks.length_us) == (200, 4995)


def test_what_is_missing_is_said():
    text = too_short(every(1_000_000, 60), 1_800_000)
    assert text == "too short for an interval: 59 s, and 10 blocks of 5 × E2E p99 take 90 s"


def test_an_interval_counts_every_row_as_often_as_its_block():
    arrival_us = np.sort(np.random.default_rng(1).integers(0, 2000, 300))
    values = np.random.default_rng(2).lognormal(0, 1, 300)
    blocks = time_blocks(arrival_us, 20)
    sums, sizes = np.bincount(blocks.of_row, values), np.bincount(blocks.of_row)

    def by_row(times):
        return float(np.dot(times, values) / times.sum())

    def by_block(times):
        return times @ sums / (times @ sizes)

    found, expected = blocks.interval(blocks.by_row(by_row), seed=3), block_interval(by_block, blocks.count, seed=3)
    assert found[:2] == pytest.approx(expected[:2])


def test_a_row_counts_as_often_as_its_block_in_every_draw():
    blocks = time_blocks(np.array([0, 5, 105, 999]), 20)
    times = np.zeros((3, 10), np.int64)
    times[0, [0, 9]], times[1, 1] = (2, 1), 3
    found = blocks.by_row(lambda rows: float(np.dot(rows, [1, 10, 100, 1000])))(times)
    assert found[:2].tolist() == [2 * 11 + 1000, 3 * 100]
    assert np.isnan(found[2])  # no row is in it


def test_draws_without_any_row_are_left_out():
    asked = []

    def score(times):
        asked.append(times)
        return float(times[0])

    blocks = time_blocks(np.array([0, 999]), 20)
    low, high, _ = blocks.interval(blocks.by_row(score), seed=1)
    assert all(times.any() for times in asked)
    assert 0 <= low <= high
