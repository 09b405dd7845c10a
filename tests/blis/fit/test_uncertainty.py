"""How sure prices are."""

from __future__ import annotations

import numpy as np

from blis.fit.solve import solve
from blis.fit.uncertainty import uncertainty
from tests.blis.fit.test_solve import PRICES, equations


def intervals(seed: int, **more: float) -> np.ndarray:
    rows = equations(seed, **more)
    return uncertainty(rows, solve(rows), np.random.default_rng(0)).intervals


def test_the_truth_is_inside_for_all_prices_at_once():
    inside = 0
    for seed in range(40):
        low, high = intervals(seed, noise=0.05, outliers=0.05).T
        inside += bool(np.all((low <= PRICES) & (high >= PRICES)))
    assert inside >= 38


def test_noise_makes_them_wider_and_more_data_narrower():
    def width(**more: float) -> np.ndarray:
        return np.ptp(intervals(1, **more), axis=1)[:2]

    assert (width(noise=0.1) > 2 * width(noise=0.01)).all()
    assert (width(noise=0.1, n=4000) < width(noise=0.1, n=200)).all()


def test_a_price_that_no_equation_has_or_only_beside_another_has_no_upper_end():
    rows = equations(1, noise=0.02)
    nowhere = rows._replace(columns=rows.columns * [1, 1, 0])
    assert np.isinf(uncertainty(nowhere, solve(nowhere), np.random.default_rng(0)).intervals[:, 1]).tolist() == [
        False,
        False,
        True,
    ]
    twice = rows._replace(columns=np.column_stack([rows.columns[:, :2], 3 * rows.columns[:, 0]]))
    found = uncertainty(twice, solve(twice), np.random.default_rng(0)).intervals
    assert np.isinf(found[:, 1]).tolist() == [True, False, True] and (found[[0, 2], 0] == 0).all()


def test_a_price_that_is_nothing_in_every_draw_may_still_be_a_little():
    rows = equations(1, noise=0.05)
    rows = rows._replace(values=rows.values - 200 * rows.columns[:, 2])  # the best price is below nothing
    found = uncertainty(rows, solve(rows), np.random.default_rng(0))
    assert not found.draws[:, 2].any() and 0 < found.intervals[2, 1] < 100


def test_even_a_perfect_log_leaves_the_last_digits_open():
    low, high = intervals(2).T
    assert (low[:2] < 0.998 * PRICES[:2]).all() and (high[:2] > 1.002 * PRICES[:2]).all()


def test_draws_are_prices_that_are_not_negative_and_the_same_again():
    rows = equations(3, noise=0.1)
    once, again = (uncertainty(rows, solve(rows), np.random.default_rng(0)) for _ in range(2))
    assert (once.draws >= 0).all() and once.draws.tobytes() == again.draws.tobytes()
    assert (once.intervals[:, 0] >= 0).all() and len(np.unique(once.draws[:, 0])) > 100
