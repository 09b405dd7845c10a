"""Ranks of waiting requests and of victims are the sorted order that docs/policies.md section 5 asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import Compat, Instance, LatencyModel, Scenario, SloTier
from blis.engine.build.order import order, queue_order, service
from blis.engine.records import FCFS, LEAST_ATTAINED, RANKED
from blis.tables.requests import RequestTable
from tests.blis.handmade import make_table

INSTANCE = Instance(LatencyModel(beta=(10, 1, 1)))
TIERS = {"gold": SloTier(priority=3, weight=2, ttft_ms=0.5), "lead": SloTier(priority=-1, weight=0.5, ttft_ms=9)}
NAMES = ("gold", "lead", "critical", "")


def scenario(scheduler: str = "fcfs", priority: str = "constant", preemption: str = "tail", **parameters) -> Scenario:
    instance = replace(
        INSTANCE, scheduler=scheduler, priority=priority, preemption=preemption, priority_parameters=parameters
    )
    return Scenario(instance, slo_tiers=TIERS)


def table(n: int = 60) -> RequestTable:
    """Many equal arrivals, lengths and classes."""
    rng = np.random.default_rng(3)
    made = make_table(
        n,
        input_tokens=rng.integers(1, 5, n) * 100,
        output_tokens=rng.integers(0, 4, n),
        slo_class=rng.integers(0, len(NAMES), n),
        tenant=rng.integers(0, 3, n),
        slo_names=NAMES,
    )
    return replace(made, arrival_us=np.sort(rng.integers(0, 20, n)) * 100_000, uniform=rng.random(n), cache={})


def sorted_rows(requests: RequestTable, key, compat: Compat) -> list[int]:
    def place(row: int):
        tie = requests.request_id(row) if compat.ids_as_text else row
        return key(row), requests.arrival_us[row], tie

    return sorted(range(len(requests)), key=place)


def tier(requests: RequestTable, row: int) -> SloTier:
    return scenario().tier(NAMES[requests.slo_class[row]])


PRIORITIES = {
    "constant": ({}, lambda t, row: 0.0),
    "slo-based": ({}, lambda t, row: -t.arrival_us[row] / 1e6),
    "inverted-slo": ({}, lambda t, row: t.arrival_us[row] / 1e6),
    "class-age": ({"age_per_s": 2.0}, lambda t, row: tier(t, row).priority - 2.0 * t.arrival_us[row] / 1e6),
    "slo-tiers": (
        {"boost_per_minute": 90.0},
        lambda t, row: tier(t, row).weight * tier(t, row).priority - 90.0 * t.arrival_us[row] / 60e6,
    ),
    "deadline": ({}, lambda t, row: -(t.arrival_us[row] + 1000 * tier(t, row).ttft_ms) / 1e6),
    "slack": (
        {"prefill_us_token": 700.0},
        lambda t, row: -(t.arrival_us[row] + 1000 * tier(t, row).ttft_ms - 700.0 * t.input_tokens[row]) / 1e6,
    ),
}


@pytest.mark.parametrize("compat", [Compat(), Compat(ids_as_text=True)])
@pytest.mark.parametrize("priority", PRIORITIES)
def test_ranks_by_priority(priority: str, compat: Compat):
    requests, (parameters, value) = table(), PRIORITIES[priority]
    for scheduler, sign in (("priority-fcfs", -1), ("reverse-priority", 1)):
        for _ in range(2):  # the second time perhaps from the table's cache
            ranks = order(scenario(scheduler, priority, **parameters), requests, compat)["rank"]
            expected = sorted_rows(requests, lambda row, sign=sign: sign * value(requests, row), compat)
            assert np.argsort(ranks).tolist() == expected


@pytest.mark.parametrize("compat", [Compat(), Compat(ids_as_text=True)])
@pytest.mark.parametrize(
    ("scheduler", "key"),
    [
        ("sjf", lambda t, row: t.input_tokens[row]),
        ("shortest-output", lambda t, row: t.output_tokens[row]),
        ("least-attained-service", lambda t, row: 0),
    ],
)
def test_ranks_by_length(scheduler: str, key, compat: Compat):
    requests = table()
    ranks = order(scenario(scheduler), requests, compat)["rank"]
    assert np.argsort(ranks).tolist() == sorted_rows(requests, lambda row: key(requests, row), compat)


def test_a_predictor_without_noise_knows_the_length_and_with_noise_errs_by_a_normal_factor():
    requests = table(4000)
    known = order(scenario("shortest-output"), requests, Compat())["rank"]
    instance = replace(INSTANCE, scheduler="shortest-predicted-output", scheduler_parameters={"noise": 0})
    assert order(Scenario(instance), requests, Compat())["rank"].tolist() == known.tolist()
    noisy = Scenario(replace(instance, scheduler_parameters={"noise": 0.5}))
    assert order(noisy, requests, Compat())["rank"].tolist() != known.tolist()
    noise = requests.cache["engine/length_noise"]
    assert abs(np.mean(noise)) < 0.05 and abs(np.std(noise) - 1) < 0.05


def test_a_predictor_errs_by_a_factor_so_that_nothing_stays_nothing():
    requests = table(400)
    instance = replace(INSTANCE, scheduler="shortest-predicted-output", scheduler_parameters={"noise": 3})
    ranks = order(Scenario(instance), requests, Compat())["rank"]
    assert ranks[requests.output_tokens == 0].max() < ranks[requests.output_tokens > 0].min()


def test_what_a_table_remembers_holds_for_equal_questions_only():
    requests = table(600)
    others = {name: SloTier(priority=-1, ttft_ms=100 * number) for number, name in enumerate(TIERS, start=1)}
    asked = [(scenario("sjf"), Compat()), (scenario("sjf"), Compat(ids_as_text=True))]
    asked += [(scenario("priority-fcfs", "deadline"), Compat())]
    asked += [(replace(scenario("priority-fcfs", "deadline"), slo_tiers=others), Compat())]
    ranks = [order(one, requests, compat)["rank"].tolist() for one, compat in asked]
    assert ranks == [order(one, table(600), compat)["rank"].tolist() for one, compat in asked]
    assert ranks[0] != ranks[1] and ranks[2] != ranks[3]


def test_victims_go_by_class_then_the_latest_then_the_last_row():
    requests = table()
    victims = order(scenario(preemption="priority"), requests, Compat())["victim"]
    expected = sorted(range(60), key=lambda row: (tier(requests, row).priority, -requests.arrival_us[row], -row))
    assert np.argsort(victims).tolist() == expected


def test_what_nobody_asks_for_is_not_made():
    requests = table()
    assert len(order(scenario(), requests, Compat())) == 0
    assert service(scenario(), requests).shape == (1, 0)
    assert service(scenario("sjf"), requests).shape == (1, 1)
    assert service(scenario("least-attained-service"), requests).shape == (1, 3)
    kinds = [queue_order(scenario(name).instance) for name in ("fcfs", "sjf", "least-attained-service")]
    assert kinds == [FCFS, RANKED, LEAST_ATTAINED]
