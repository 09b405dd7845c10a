"""Prices from equations: not negative, and few outliers do not move them."""

from __future__ import annotations

import numpy as np
import pytest

from blis.fit.rows import GAPS, TTFT, Rows
from blis.fit.solve import loss, scales, solve

PRICES = np.array([5000.0, 40.0, 0.0])


def equations(seed: int, noise: float = 0.0, outliers: float = 0.0, n: int = 300, far: float = 10.0) -> Rows:
    """Of times that these prices give, divided by them; those of outliers are `far` times as long."""
    rng = np.random.default_rng(seed)
    columns = np.column_stack([rng.integers(1, 9, n), rng.integers(0, 2000, n), rng.integers(0, 50, n)]).astype(float)
    times = columns @ PRICES * np.exp(noise * rng.normal(size=n))
    times = np.where(rng.random(n) < outliers, far * times, times)
    measure = np.where(np.arange(n) % 2, TTFT, GAPS)
    return Rows(columns / times[:, None], np.ones(n), np.arange(n), measure)


def test_exact_equations_give_their_prices_and_no_price_without_need():
    assert solve(equations(1)) == pytest.approx(PRICES, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("far", [10.0, 0.5])
def test_outliers_hardly_move_the_prices(far: float):
    assert solve(equations(2, noise=0.01, outliers=0.1, far=far))[:2] == pytest.approx(PRICES[:2], rel=0.02)


def test_no_price_is_negative():
    rows = equations(3)
    against = rows._replace(columns=rows.columns * [1, 1, -1])
    assert (solve(against) >= 0).all()


def test_a_noisy_measure_counts_less_than_a_quiet_one():
    quiet, noisy = equations(4), equations(5, noise=0.5)
    rows = quiet._replace(columns=np.where((quiet.measure == TTFT)[:, None], quiet.columns, noisy.columns))
    assert solve(rows)[:2] == pytest.approx(PRICES[:2], rel=0.01)


def test_the_scale_of_a_term_explains_everything_on_average():
    rows = equations(6)
    assert (rows.columns * scales(rows)).mean(axis=0) == pytest.approx(1)
    assert scales(rows._replace(columns=rows.columns * [1, 1, 0]))[2] == 0


def test_the_loss_grows_with_errors_but_not_with_their_square():
    small, large, huge = (loss({"ttft": np.full(9, off)}) for off in (0.01, 1.0, 10.0))
    assert 0 < small < large < huge < 11 * large
    assert loss({"ttft": np.full(9, -1.0)}) == pytest.approx(large)


def test_the_loss_of_one_measure_does_not_drown_the_others():
    better = {"e2e": np.full(9, 0.01), "tpot": np.full(9, 0.5)}
    worse = {"e2e": np.full(9, 0.04), "tpot": np.full(9, 0.49)}
    assert loss(better) < loss(worse)
    assert loss({**better, "none": np.array([])}) == loss(better)
