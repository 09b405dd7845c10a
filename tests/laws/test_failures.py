"""Instances that fail, against the oracle on random scenarios, and against what is known of machines with repair.

An alternating renewal process is up for a share A = MTBF / (MTBF + MTTR) of the time (Ross, Introduction to Probability
Models, 7.5); Poisson arrivals see time averages; what is exponential has no memory.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from scipy import stats

from blis.config import Breaker, Failures, Outage, Retries, Routing
from blis.engine.run import simulate
from blis.tables.records import LOST
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.laws.against_oracle import assert_same_results, compare
from tests.laws.random_cases import failing, failing_case
from tests.laws.tight_cases import tight_case

RUNS, CUSTOMERS, GAP_US = 20, 4_000, 5_000.0
MTBF_US, MTTR_US = 30_000, 10_000
UP = MTBF_US / (MTBF_US + MTTR_US)
KNOWN = Failures(mtbf_us=MTBF_US, mttr_us=MTTR_US, heartbeat_us=0, offline_after_us=0)


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_instances_fail(number: int):
    compare(failing_case(Random(number), max_requests=2 + number // 6))
    compare(failing(Random(number), tight_case(number)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_engine_equals_oracle_in_four_thousand_cases_of_failure(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(failing_case(Random(number)))
        compare(failing(Random(number), tight_case(number)))


def runs(measure: Callable[[ResultTable], float], instances: int, failures: Failures, steps: int, **cluster):
    """The mean of a measure over independent runs, and half of its 99.9 % interval."""
    scenario = deployment(instances, failures=failures, routing=Routing("random"), **cluster)
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        table = poisson(rng, steps)
        found.append(measure(simulate(replace(scenario, seed=seed), table)))
    return float(np.mean(found)), float(stats.t.ppf(0.9995, RUNS - 1) * stats.sem(found))


def poisson(rng: np.random.Generator, steps: int) -> RequestTable:
    arrival_us = np.cumsum(rng.exponential(GAP_US, CUSTOMERS)).astype(np.int64)
    return requests(arrival_us.tolist(), steps, uniform=rng.random(CUSTOMERS))


@pytest.mark.parametrize("instances", [1, 2])
def test_arrivals_find_nobody_as_often_as_all_are_down(instances: int):
    mean, half = runs(lambda result: float(np.mean(result.reason == 2)), instances, KNOWN, 1)
    assert abs(mean - (1 - UP) ** instances) < half < 0.015


def test_whoever_is_served_is_lost_as_often_as_the_instance_fails_meanwhile():
    """Nearly everybody is alone: two in a hundred wait for the step of another to end, which adds half a step."""
    steps = 20

    def lost(result: ResultTable) -> float:
        names = np.array(result.status_names())
        return float(np.mean(names[names != "rejected"] == "lost"))

    mean, half = runs(lost, 1, KNOWN, steps)
    expected = 1 - np.exp(-steps * STEP_US / MTBF_US)
    waits = 0.5 * STEP_US / MTBF_US
    assert expected - half < mean < expected + waits + half
    assert half < 0.01


def test_a_router_that_knows_nothing_loses_whom_it_sends_to_the_dead():
    never = replace(KNOWN, offline_after_us=10**12)
    mean, half = runs(lambda result: float(np.mean(result.instances["lost"].sum() / len(result))), 2, never, 1)
    expected = 1 - UP * np.exp(-STEP_US / MTBF_US)
    assert expected - half < mean < expected + STEP_US / MTBF_US + half
    assert half < 0.015


def test_with_retries_nobody_is_lost_and_the_lost_attempts_are_geometric():
    """Attempts that are far apart find an instance up or not, each for itself."""
    never = replace(KNOWN, offline_after_us=10**12)
    again = Retries(limit=20, budget=20, saved=1000, backoff_us=400_000)
    mean, half = runs(lambda result: float(np.mean(result.retries)), 2, never, 1, retries=again)
    share = 1 - UP * np.exp(-STEP_US / MTBF_US)
    assert abs(mean - share / (1 - share)) < half + STEP_US / MTBF_US * 2
    assert half < 0.03


@pytest.mark.parametrize("number", range(40))
def test_a_breaker_that_never_opens_changes_nothing(number: int):
    case = failing_case(Random(number))
    cluster = case.scenario.cluster
    never, without = (
        simulate(replace(case.scenario, cluster=replace(cluster, breaker=breaker)), case.table)
        for breaker in (Breaker(failures=10_000), Breaker())
    )
    assert_same_results(never, without)


@pytest.mark.parametrize("open_us", [20_000, 100_000])
def test_a_breaker_loses_one_request_a_pause(open_us: int):
    """One of two is down for a second, and the router never hears of it; 200 requests come meanwhile."""
    down_us, begin_us = 1_000_000, 100_000
    failures = Failures((Outage((0,), begin_us, down_us),), heartbeat_us=0, offline_after_us=10**12)
    for seed in range(10):
        table = poisson(np.random.default_rng(seed), 3)
        lost = []
        for breaker in (Breaker(), Breaker(1, open_us)):
            scenario = deployment(2, failures=failures, breaker=breaker, routing=Routing("random"))
            result = simulate(scenario, table)
            begins = (result.routed_us >= begin_us) & (result.routed_us < begin_us + down_us)
            lost.append(int(np.count_nonzero((result.status == LOST) & begins)))
        assert lost[0] > 60 and down_us // (2 * open_us) < lost[1] <= 1 + down_us // open_us
