from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.engine.run import simulate
from blis.evaluation.gaps import Gaps
from blis.evaluation.itl import all_gaps, expand_gaps
from tests.blis.evaluation.test_itl import preempted
from tests.laws.random_cases import random_case


def worst_mean(gaps_us: list[int], cap_us: int, share: float) -> float:
    """Of a list, written out: every number in a hundred parts, so that the last one can count in part."""
    parts = sorted((min(gap, cap_us) for gap in gaps_us for _ in range(100)), reverse=True)
    return float(np.mean(parts[: max(round(share * len(parts)), 100)]))


@pytest.mark.parametrize("seed", range(60))
def test_random_runs(seed: int):
    case, rng = random_case(Random(seed)), np.random.default_rng(seed)
    result = simulate(case.scenario, case.table, case.compat)
    rows = np.flatnonzero(rng.random(len(case.table)) < 0.8)
    group, times = rng.integers(0, 3, len(rows)), rng.integers(0, 3, len(rows))
    cap_us = rng.integers(1, 3000, 3)
    gaps = Gaps.of(result, rows, group, 3)
    worst_us, weights = gaps.worst_means_us(times, cap_us, 0.05), gaps.weights(times)
    for k in range(3):
        drawn = [row for row, one, often in zip(rows, group, times, strict=True) if one == k for _ in range(often)]
        expected = [gap for row in drawn for gap in expand_gaps(result, row)]
        assert np.repeat(gaps.value_us, weights[k]).sum() == sum(expected)
        assert sorted(np.repeat(gaps.value_us, weights[k])) == sorted(expected)
        assert worst_us[k] == pytest.approx(worst_mean(expected, cap_us[k], 0.05) if expected else 0)


@pytest.mark.parametrize("seed", range(60))
def test_values_by_key_are_those_of_the_requests_under_it(seed: int):
    case, rng = random_case(Random(seed)), np.random.default_rng(seed)
    result = simulate(case.scenario, case.table, case.compat)
    key, chosen = rng.integers(0, 6, len(result)), rng.random(len(result)) < 0.7
    value_us, of, weights = all_gaps(result).by_key(key, chosen)
    assert (weights > 0).all()
    for one in range(6):
        expected = [gap for row in np.flatnonzero(chosen & (key == one)) for gap in expand_gaps(result, row)]
        assert sorted(np.repeat(value_us[of == one], weights[of == one])) == sorted(expected)


@pytest.mark.parametrize("seed", range(60))
def test_every_value_is_counted_once(seed: int):
    case, rng = random_case(Random(seed)), np.random.default_rng(seed)
    result = simulate(case.scenario, case.table, case.compat)
    gaps, times = all_gaps(result, rng.integers(0, 2, len(result)), 2), rng.integers(0, 3, len(result))
    found = gaps.counted(times)
    expected = Counter(gap for row, often in enumerate(times) for gap in expand_gaps(result, row) * int(often))
    assert dict(zip(found.values.tolist(), found.weights.tolist(), strict=True)) == expected
    assert found.values.tolist() == sorted(expected)


@pytest.mark.parametrize("percent", [50, 99])
@pytest.mark.parametrize("seed", range(40))
def test_percentiles_of_each_request(seed: int, percent: float):
    case = random_case(Random(seed))
    result = simulate(case.scenario, case.table, case.compat)
    found = all_gaps(result).percentiles_us(percent)
    for row in range(len(result)):
        gaps = expand_gaps(result, row)
        assert found[row] == pytest.approx(np.percentile(gaps, percent) if gaps else 0)
    assert all_gaps(result).longest_us() == max(max(expand_gaps(result, r), default=0) for r in range(len(result)))


def test_by_hand():
    gaps = all_gaps(replace(preempted(), token_overhead_us=np.array([1, 2])))  # 11 81 6 · 11 11 · 11 31 · none
    once = np.ones(4, np.int64)
    assert gaps.worst_means_us(once, np.array([10**6]), 1 / 7).tolist() == [81]
    assert gaps.worst_means_us(once, np.array([10**6]), 2 / 7).tolist() == [(81 + 31) / 2]
    assert gaps.worst_means_us(once, np.array([50]), 1.5 / 7).tolist() == [(50 + 31 / 2) / 1.5]
    assert gaps.worst_means_us(0 * once, np.array([50]), 0.5).tolist() == [0]
    assert gaps.longest_us() == 81  # request 2 did not finish, but its gaps of 11 and 31 are known
    assert gaps.percentiles_us(50).tolist() == [11, 11, 21, 0]


def test_a_run_without_a_step():
    case = random_case(Random(1))
    result = simulate(replace(case.scenario, horizon_us=1), case.table)
    gaps = all_gaps(result)
    once = np.ones(len(result), np.int64)
    assert (gaps.longest_us(), gaps.weights(once).sum(), gaps.percentiles_us(99).max()) == (0, 0, 0)
    assert gaps.worst_means_us(once, np.array([5]), 0.05).tolist() == [0]
