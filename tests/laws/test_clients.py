"""Clients that give up and ask again, against the oracle on random scenarios, and against what is known of them.

A retry storm outlives its cause: the load that retries make keeps everybody late, so that everybody retries (metastable
failures; Bronson, Aghayev, Charapko and Zhu, HotOS 2021).
"""

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from blis.config import Batch, Clients
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.tables.records import COMPLETED
from tests.blis.engine.plain_times import STEP_US, deployment, requests
from tests.laws.against_oracle import compare
from tests.laws.random_cases import impatient, impatient_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_clients_give_up(number: int):
    compare(impatient_case(Random(number), max_requests=2 + number // 6))
    compare(impatient(Random(number), tight_case(number)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_engine_equals_oracle_in_four_thousand_cases_of_clients(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(impatient_case(Random(number)))
        compare(impatient(Random(number), tight_case(number)))


RUNNING, STEPS = 8, 10  # of a server that answers so many at a time, in so many steps
CAPACITY_S = RUNNING / (STEPS * STEP_US * 1e-6)
REQUESTS, FIRST, BURST = 3_000, 500, 250
TIMEOUT_US = 5 * STEPS * STEP_US


def around_a_burst(clients: Clients) -> list[float]:
    """Share of requests that are answered before a burst, in it, and long after it; 0.7 of what can be served come."""
    rng = np.random.default_rng(3)
    arrival_us = np.cumsum(rng.exponential(1e6 / (0.7 * CAPACITY_S), REQUESTS)).astype(np.int64)
    arrival_us[FIRST : FIRST + BURST] = arrival_us[FIRST]
    table = requests(arrival_us.tolist(), STEPS)
    scenario = replace(deployment(engine={"batch": Batch(max_running=RUNNING)}), clients=clients)
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    answered = result.status == COMPLETED
    return [float(answered[rows].mean()) for rows in (slice(FIRST), slice(FIRST, FIRST + BURST), slice(-1000, None))]


@pytest.mark.parametrize(
    ("means", "recovers"), [({}, False), ({"budget": 0.1, "saved": 10}, True), ({"cancel": True}, True)]
)
def test_a_retry_storm_outlives_its_cause_unless_a_budget_ends_it(means: dict[str, Any], recovers: bool):
    """Or unless servers notice, so that nobody works for clients that are gone."""
    storm = Clients(timeout_us=TIMEOUT_US, attempts=4, backoff_us=STEPS * STEP_US, cancel=False)
    before, burst, late = around_a_burst(replace(storm, **means))
    assert before == 1
    assert burst < 0.8
    assert late == recovers


@pytest.mark.parametrize("timeout_us", [150, 350, 900])
def test_whoever_waits_for_less_than_his_answer_takes_gives_up(timeout_us: int):
    steps = [1, 2, 3, 4, 8, 9, 10, 20]
    table = requests([10_000 * k for k in range(len(steps))], steps)
    result = simulate(replace(deployment(), clients=Clients(timeout_us=timeout_us)), table)
    assert (result.status == COMPLETED).tolist() == [n * STEP_US < timeout_us for n in steps]
