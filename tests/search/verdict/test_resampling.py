"""Scores of draws of blocks: at once from a fitness that can, else from its rows."""

import numpy as np

from blis.comparison.blocks import time_blocks
from search.verdict.resampling import scores_of_draws

BLOCKS = time_blocks(np.arange(1000), 20)  # 10 blocks of 100 rows
TIMES = np.arange(20).reshape(2, 10)


class ByRow:
    """Counts rows."""

    def compare_resampled(self, candidate, baseline, times):
        return (candidate - baseline) * float(times.sum())


class AtOnce(ByRow):
    """Says where the score is from."""

    def by_blocks(self, candidate, baseline, of_row):
        return lambda times: np.full(len(times), 1000.0 * len(of_row))


class NotAtOnce(ByRow):
    def by_blocks(self, candidate, baseline, of_row):
        return None


class NoRows:
    def compare_resampled(self, candidate, baseline, times):
        return None


def test_at_once_where_it_can():
    assert scores_of_draws(AtOnce(), 3, 1, BLOCKS)(TIMES).tolist() == [1e6, 1e6]


def test_else_draw_by_draw():
    for fitness in (ByRow(), NotAtOnce()):
        assert scores_of_draws(fitness, 3, 1, BLOCKS)(TIMES).tolist() == [2 * 100 * 45, 2 * 100 * 145]


def test_without_rows_there_is_none():
    assert scores_of_draws(NoRows(), 3, 1, BLOCKS) is None
