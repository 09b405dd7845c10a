import numpy as np
import pytest

from blis.evaluation.gap_kernels import locate, worst_means


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64])
def test_a_step_is_in_the_row_that_begins_at_it_or_before(rows):
    counts = np.random.default_rng(rows).integers(1, 5, rows)
    first_step = np.cumsum(counts) - counts + 1
    steps = np.arange(1, counts.sum() + 1)
    positions = np.empty((len(steps), 4), np.int64)
    room = np.empty(rows, np.int64), np.empty(1, np.int64)
    locate(np.stack([steps, steps], axis=1), np.zeros_like(steps), np.array([0, rows]), first_step, *room, positions)
    row = np.repeat(np.arange(rows), counts)
    done = steps - first_step[row] + 1
    assert positions.tolist() == np.stack([row, done, row, done], axis=1).tolist()


@pytest.mark.parametrize("largest", [0, 1, 255, 256, 257, 10**12])
def test_a_threshold_is_found_in_any_range(largest):
    values = np.array([0, largest // 3, largest // 2, largest - largest // 5, largest], np.int64)
    found = np.zeros(1)
    parts, sums = np.zeros((2, 256), np.int64)
    worst_means(values, np.ones((1, 5), np.int64), np.array([2 * 10**12]), 0.5, parts, sums, found)
    assert found[0] == pytest.approx((values[4] + values[3] + values[2] / 2) / 2.5)
