"""Copies of requests, against the oracle on random scenarios, and against what they are for: a slow instance."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Hedging, LatencyModel, Pool, Retries, Routing
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.laws.against_oracle import assert_same_results, compare
from tests.laws.random_cases import hedged, hedged_case
from tests.laws.tight_cases import tight_case

SLOW, NEVER_US = 100, 3_600_000_000


@pytest.mark.parametrize("number", range(60))
def test_engine_equals_oracle_where_copies_are_sent(number: int):
    compare(hedged_case(Random(number), max_requests=2 + number // 4))
    compare(hedged(Random(number), tight_case(number)))


def test_a_copy_is_sent_once_where_a_race_is_decided_at_the_instant_at_which_it_is_due():
    """The oracle sent it twice."""
    compare(hedged_case(Random(906613)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_engine_equals_oracle_in_two_thousand_cases_of_copies(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(hedged_case(Random(number)))
        compare(hedged(Random(number), tight_case(number)))


@pytest.mark.parametrize("number", range(40))
def test_copies_that_are_never_due_change_nothing(number: int):
    case = hedged_case(Random(number))
    cluster = replace(case.scenario.cluster, retries=Retries())  # else what is sent again is new to the router, or not
    never, without = (
        simulate(replace(case.scenario, cluster=replace(cluster, hedging=hedging)), case.table)
        for hedging in (Hedging(NEVER_US), Hedging())
    )
    assert never.hedged is not None and not never.hedged.any()
    assert_same_results(never, without)


@pytest.mark.parametrize("after_us", [300, 1000])
def test_nobody_waits_for_a_slow_instance_for_long(after_us: int):
    """One of two takes a hundred times as long: whoever is sent there is answered by the other after `after_us`."""
    slow = LatencyModel(beta=(SLOW * STEP_US, 0, 0))
    pools = [Pool(1), Pool(1, latency_model=slow)]
    rng = np.random.default_rng(1)
    arrivals = np.cumsum(rng.integers(2_000, 9_000, 300)).tolist()
    table = requests(arrivals, 4, uniform=rng.random(300))
    scenario = deployment(2, pools=pools, routing=Routing("random"))
    with_copies = replace(scenario, cluster=replace(scenario.cluster, hedging=Hedging(after_us, 1.0)))
    plain, hedged_ = (simulate(each, table) for each in (scenario, with_copies))
    assert check_laws(with_copies, table, hedged_) == []
    assert plain.ttft_us.max() >= SLOW * STEP_US
    assert hedged_.ttft_us.max() <= after_us + 3 * STEP_US  # its own step, and what is left of another's
    assert hedged_.hedged is not None and 0.35 < hedged_.hedged.mean() < 0.65
