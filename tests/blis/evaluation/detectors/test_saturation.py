from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from blis.config import Compat
from blis.engine.run import simulate
from blis.evaluation.detectors.saturation import BACKLOGGED, BLOCKS, OVERLOADED, STABLE, T_99, saturation
from blis.tables.records import REJECTED
from tests.blis.handmade import make_result, make_table, with_status
from tests.laws.queues import STEP_US, customers, geometric, servers

MEAN_TOKENS = 50
CAPACITY_PER_S = 1e6 / (MEAN_TOKENS * STEP_US)


def verdict(load: float, seed: int, n: int = 20_000, instances: int = 1, at_once: int = 1, horizon_us=None):
    rng = np.random.default_rng(seed)
    scenario = replace(servers(instances, at_once), horizon_us=horizon_us)
    rate = load * CAPACITY_PER_S * instances * at_once
    table = customers(n, rate, geometric(n, MEAN_TOKENS, rng), rng)
    return saturation(scenario, table, simulate(scenario, table))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("load", "expected"),
    [(0.3, STABLE), (0.7, STABLE), (0.9, STABLE), (1.0, BACKLOGGED), (1.15, OVERLOADED), (2, OVERLOADED)],
)
def test_a_single_server(load, expected, seed):
    assert verdict(load, seed, n=100_000 if load == 1 else 20_000).verdict == expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("load", "expected"), [(0.5, STABLE), (0.9, STABLE), (1.15, OVERLOADED), (2, OVERLOADED)])
def test_a_cluster_of_batching_servers(load, expected, seed):
    assert verdict(load, seed, instances=4, at_once=16).verdict == expected


@pytest.mark.parametrize("load", [1.25, 2.0, 4.0])
def test_growth_is_what_theory_says(load):
    found = verdict(load, 1, n=100_000)
    assert found.growth_share == pytest.approx(1 - 1 / load, abs=0.02)
    assert found.growth_low < found.growth_share
    assert found.in_system == pytest.approx(100_000 * (1 - 1 / load), rel=0.05)
    assert found.drain_us == pytest.approx(found.in_system / CAPACITY_PER_S * 1e6, rel=0.05)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_somebody_is_held_back_as_long_as_theory_says(load):
    """In an M/M/1 queue two or more are present for load^2 of the time; a step of 50 is forgiven."""
    assert verdict(load, 2, n=200_000).held_back_share == pytest.approx(load**2, abs=0.03)


def test_a_horizon_that_cuts_the_run_changes_no_verdict_and_leaves_no_drain():
    for load, expected in ((0.6, STABLE), (1.5, OVERLOADED)):
        found = verdict(load, 3, horizon_us=300_000_000)
        assert (found.verdict, found.drain_us) == (expected, None)


def test_slow_requests_that_only_fill_up_an_empty_cluster_are_no_overload():
    """Everybody is served at once; the number in the system grows only until the first ones are done."""
    rng = np.random.default_rng(0)
    scenario = servers(at_once=10_000)
    table = customers(2000, 100.0, np.full(2000, 5000), rng)
    assert saturation(scenario, table, simulate(scenario, table)).verdict == STABLE
    short = customers(700, 100.0, np.full(700, 5000), rng)
    assert saturation(scenario, short, simulate(scenario, short)).verdict is None


def test_shed_load_is_not_in_the_system():
    table = make_table(1000, output_tokens=1)
    result = with_status(make_result(table, 10), slice(0, 1000, 2), REJECTED)
    found = saturation(servers(), table, result)
    assert (found.verdict, found.in_system, found.drain_us) == (STABLE, 1, 10)


def test_too_little_for_a_verdict():
    table = make_table(3)
    assert saturation(servers(), table, make_result(table, 0, status=REJECTED)).verdict is None
    assert saturation(servers(), table, make_result(table, 10)).verdict is None
    at_once = replace(make_table(1000), arrival_us=np.zeros(1000, np.int64))
    assert saturation(servers(), at_once, simulate(servers(), at_once, Compat())).verdict is None


def test_the_quantile():
    assert pytest.approx(stats.t.ppf(0.99, BLOCKS - 1), abs=1e-3) == T_99
