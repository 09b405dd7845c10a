import numpy as np
import pytest

from blis.evaluation.gap_kernels import AHEAD, locate, unroll, worst_means
from blis.tables.records import STEP_LOG


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 64])
def test_a_step_is_in_the_row_that_begins_at_it_or_before(rows):
    counts = np.random.default_rng(rows).integers(1, 8, rows)
    first_step = np.cumsum(counts) - counts + 1
    log = np.zeros(rows, STEP_LOG)
    log["instance"], log["first_step"], log["count"], log["gap_us"] = 1, first_step, counts, 10 * counts
    value_us, row_steps, before = np.empty(rows, np.int64), np.empty(rows, np.int64), np.empty(4, np.int64)
    row_of = np.empty(counts.sum() + AHEAD, np.int32)
    unroll(log, np.array([7, 3, 9]), value_us, row_steps, before, row_of)
    assert (value_us.tolist(), row_steps.tolist()) == ((10 * counts + 3).tolist(), counts.tolist())
    steps = np.arange(1, counts.sum() + 1)
    positions = np.empty((len(steps), 4), np.int64)
    locate(np.stack([steps, steps], axis=1), np.ones_like(steps), log, before, row_of, positions)
    row = np.repeat(np.arange(rows), counts)
    done = steps - first_step[row] + 1
    assert positions.tolist() == np.stack([row, done, row, done], axis=1).tolist()
    locate(np.array([[1, 1]]), np.array([2]), log, before, row_of, positions)
    assert positions[0].tolist() == [-1, 0, -1, 0]  # an instance without a step


@pytest.mark.parametrize("largest", [0, 1, 255, 256, 257, 10**12])
def test_a_threshold_is_found_in_any_range(largest):
    values = np.array([0, largest // 3, largest // 2, largest - largest // 5, largest], np.int64)
    found = np.zeros(1)
    parts = np.empty(256, np.int64)
    worst_means(values, np.ones((1, 5), np.int64), np.array([2 * 10**12]), 0.5, parts, found)
    assert found[0] == pytest.approx((values[4] + values[3] + values[2] / 2) / 2.5)
