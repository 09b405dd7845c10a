"""Means by class are to the last digit those that numpy makes of the same numbers."""

import numpy as np
import pytest

from blis.fitness.term_kernels import HALVINGS, mean_differences, worst_means
from tests.blis.fitness.plain import worst_mean


def classes(rng: np.random.Generator, largest: int) -> tuple[np.ndarray, list[slice], np.ndarray]:
    """Where three classes end, their rows, and which rows are chosen: sometimes all of them."""
    ends = np.cumsum(rng.integers(0, largest, 3))
    rows = [slice(begin, end) for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)]
    return ends, rows, rng.random(ends[-1]) < rng.choice([0.1, 0.9, 1.0])


@pytest.mark.parametrize("largest", [3, 9, 40, 140, 300, 3000, 40_000])
@pytest.mark.parametrize("seed", range(8))
def test_mean_differences_are_those_of_numpy(largest: int, seed: int):
    rng = np.random.default_rng([seed, largest])
    ends, rows, chosen = classes(rng, largest)
    one, other = rng.lognormal(0, 2, (2, ends[-1]))
    found = np.empty(3)
    mean_differences(ends, chosen, one, other, np.empty(ends[-1]), np.empty(HALVINGS), found)
    expected = [(one[k] - other[k])[chosen[k]] for k in rows]
    assert found.tolist() == [float(np.mean(values)) if len(values) else 0.0 for values in expected]


@pytest.mark.parametrize("largest", [3, 40, 300, 3000, 40_000])
@pytest.mark.parametrize("values", [3, 100_000])  # many that are equal, hardly any
@pytest.mark.parametrize("seed", range(8))
def test_the_worst_five_percent_are_those_of_numpy(largest: int, values: int, seed: int):
    rng = np.random.default_rng([seed, largest])
    ends, rows, chosen = classes(rng, largest)
    numbers, found = rng.integers(0, values, ends[-1]).astype(np.float64), np.empty(3)
    worst_means(ends, chosen, numbers, 0.05, np.empty(ends[-1]), found)
    expected = [numbers[k][chosen[k]] for k in rows]
    assert found.tolist() == [worst_mean(each) if len(each) else 0.0 for each in expected]


@pytest.mark.parametrize(("n", "expected"), [(1, 30.0), (20, 30.0), (30, (30 + 29 / 2) / 1.5), (60, 29.0)])
def test_the_worst_five_percent_are_weighted_fractionally(n: int, expected: float):
    values = np.concatenate([np.arange(30.0, 0, -1)[:n], np.zeros(max(n - 30, 0))])
    found = np.empty(1)
    worst_means(np.array([n]), np.ones(n, np.bool_), values, 0.05, np.empty(n), found)
    assert found[0] == pytest.approx(expected)
