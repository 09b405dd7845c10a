"""The engine against queueing theory, an outside judge: textbook queues have known waiting times.

An estimate is a mean over independent runs with Student's 99.9 % interval (there are about twenty of them, and all must
hold); theory must lie inside, and the interval must be narrow enough to mean something. The first tenth of each run,
which starts empty, is left out. Where theory has continuous time and the engine whole steps, the difference is bounded
and added.

Sources: Gross, Shortle, Thompson and Harris, Fundamentals of Queueing Theory (Pollaczek-Khinchine, Cobham, Erlang C,
GI/M/1); Lindley 1952.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import factorial
from zlib import crc32

import numpy as np
import pytest
from scipy import optimize, stats

from blis.config import FlowControl, LatencyModel, Scenario, SloTier
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.detectors.imbalance import waiting_over_time
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from tests.laws.queues import STEP_US, customers, geometric, servers

RUNS = 20
CUSTOMERS = 40_000
MEAN_TOKENS = 200
SERVICE_US = MEAN_TOKENS * STEP_US

Tokens = Callable[[np.random.Generator], np.ndarray]
Measure = Callable[[RequestTable, ResultTable], float]


def constant(rng: np.random.Generator) -> np.ndarray:
    return np.full(CUSTOMERS, MEAN_TOKENS)


def memoryless(rng: np.random.Generator) -> np.ndarray:
    return geometric(CUSTOMERS, MEAN_TOKENS, rng)


def two_sizes(rng: np.random.Generator) -> np.ndarray:
    """Most requests are short, a few are very long."""
    return np.where(rng.random(CUSTOMERS) < 0.95, MEAN_TOKENS // 2, MEAN_TOKENS // 2 * 21)


#: Output lengths and the mean of their squares.
SECOND_MOMENTS: dict[Tokens, float] = {
    constant: MEAN_TOKENS**2,
    memoryless: 2 * MEAN_TOKENS**2 - MEAN_TOKENS,
    two_sizes: 0.95 * (MEAN_TOKENS // 2) ** 2 + 0.05 * (MEAN_TOKENS // 2 * 21) ** 2,
}
MEANS = {constant: MEAN_TOKENS, memoryless: MEAN_TOKENS, two_sizes: MEAN_TOKENS}


def runs(scenario: Scenario, load: float, tokens: Tokens, measure: Measure) -> np.ndarray:
    """[RUNS] a measure of independent runs. load: share of the time that each server is to be busy."""
    places = scenario.cluster.instances * scenario.instance.batch.max_running
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, crc32(f"{tokens.__name__} {load} {places}".encode())])
        table = customers(CUSTOMERS, load * places / SERVICE_US * 1e6, tokens(rng), rng)
        found.append(measure(table, simulate(scenario, table)))
    return np.array(found)


def mean_wait_us(table: RequestTable, result: ResultTable) -> float:
    return float(result.scheduling_delay_us[CUSTOMERS // 10 :].mean())


def half_width(values: np.ndarray) -> float:
    return float(stats.t.ppf(0.9995, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def agree(values: np.ndarray, theory: float, *, slack: float = 0.0, narrow: float = 0.05) -> None:
    """The interval holds the theory, give or take a known difference, and is not wide."""
    reach = half_width(values)
    assert reach <= narrow * theory
    assert values.mean() == pytest.approx(theory, abs=reach + slack)


def pollaczek_khinchine_us(load: float, tokens: Tokens) -> float:
    """Mean wait in an M/G/1 queue."""
    arrivals_us = load / SERVICE_US
    return arrivals_us * SECOND_MOMENTS[tokens] * STEP_US**2 / (2 * (1 - load))


def erlang_c(servers_: int, load: float) -> float:
    """Probability of waiting in an M/M/k queue."""
    offered = servers_ * load
    last = offered**servers_ / factorial(servers_) / (1 - load)
    return last / (sum(offered**j / factorial(j) for j in range(servers_)) + last)


@pytest.mark.parametrize("tokens", SECOND_MOMENTS, ids=lambda tokens: tokens.__name__)
def test_every_wait_follows_from_the_one_before(tokens: Tokens):
    """Lindley's recursion, exactly: wait = max(0, wait of the one before + its service - time between arrivals)."""

    def largest_error(table: RequestTable, result: ResultTable) -> float:
        gains = table.output_tokens[:-1] * STEP_US - np.diff(table.arrival_us)
        walk = np.concatenate([[0], np.cumsum(gains)])
        return float(np.abs(result.scheduling_delay_us - (walk - np.minimum.accumulate(walk))).max())

    assert not runs(servers(), 0.95, tokens, largest_error).any()


@pytest.mark.parametrize("load", [0.3, 0.7, 0.9])
@pytest.mark.parametrize("tokens", SECOND_MOMENTS, ids=lambda tokens: tokens.__name__)
def test_mean_wait_of_a_single_server(tokens: Tokens, load: float):
    """M/D/1, M/M/1 and a heavy-tailed M/G/1."""
    agree(runs(servers(), load, tokens, mean_wait_us), pollaczek_khinchine_us(load, tokens), narrow=0.2)


@pytest.mark.parametrize("tokens", SECOND_MOMENTS, ids=lambda tokens: tokens.__name__)
def test_a_server_is_busy_as_often_as_arrivals_find_it_busy(tokens: Tokens):
    """Utilisation is the load, and Poisson arrivals see time averages."""
    busy = runs(servers(), 0.7, tokens, lambda _, result: result.instances["busy_us"].sum() / result.end_us)
    agree(busy, 0.7, narrow=0.02)
    agree(runs(servers(), 0.7, tokens, lambda _, result: np.mean(result.scheduling_delay_us > 0)), 0.7, narrow=0.02)


@pytest.mark.parametrize(("at_once", "load"), [(2, 0.7), (8, 0.9), (32, 0.95)])
def test_mean_wait_for_one_of_many_places(at_once: int, load: float):
    """M/M/k: a batch whose steps take equally long whatever is in it.

    Whoever finds a step under way waits for its end, up to STEP_US more than in continuous time; times that are
    geometric in steps differ from exponential ones by a share of 1 / MEAN_TOKENS at most.
    """
    theory = erlang_c(at_once, load) * SERVICE_US / (at_once * (1 - load))
    waits = runs(servers(at_once=at_once), load, memoryless, mean_wait_us)
    agree(waits, theory + STEP_US / 2, slack=STEP_US / 2 + theory / MEAN_TOKENS, narrow=0.3)


def test_mean_wait_in_one_queue_for_all_instances():
    """M/M/k again: a gateway queue that lets as many through as there are servers.

    A completion shows one step before its end, and the gateway looks once a step: the next one may be sent to a server
    that is free up to STEP_US later than another.
    """
    places, load = 16, 0.9
    scenario = servers(places, routing="least-loaded")
    gateway = FlowControl(enabled=True, detector="concurrency", max_concurrency=1, interval_us=STEP_US)
    scenario = replace(scenario, cluster=replace(scenario.cluster, flow_control=gateway))
    theory = erlang_c(places, load) * SERVICE_US / (places * (1 - load))
    agree(runs(scenario, load, memoryless, mean_wait_us), theory, slack=STEP_US + theory / MEAN_TOKENS, narrow=0.2)


def test_mean_wait_of_servers_in_turn():
    """Every k-th arrival at each of k servers: GI/M/1, the gaps being Erlang distributed."""
    places, load = 4, 0.8
    root = optimize.brentq(lambda z: (places * load / (places * load + 1 - z)) ** places - z, 0, 1 - 1e-9)
    theory = SERVICE_US * root / (1 - root)
    agree(runs(servers(places), load, memoryless, mean_wait_us), theory, slack=theory / MEAN_TOKENS, narrow=0.2)


def test_mean_wait_of_servers_drawn_at_random():
    """A Poisson stream split at random is Poisson streams: each server is an M/M/1 queue."""
    waits = runs(servers(4, routing="random"), 0.7, memoryless, mean_wait_us)
    agree(waits, pollaczek_khinchine_us(0.7, memoryless), narrow=0.1)


def test_joining_the_shortest_queue_is_between_taking_turns_and_one_common_queue():
    """No way of choosing on arrival beats a single queue; the shortest one beats taking turns (Winston 1977)."""
    places, load = 4, 0.8
    shortest = runs(servers(places, routing="least-loaded"), load, memoryless, mean_wait_us)
    in_turn = runs(servers(places), load, memoryless, mean_wait_us)
    common = erlang_c(places, load) * SERVICE_US / (places * (1 - load))
    assert common * (1 - 1 / MEAN_TOKENS) < shortest.mean() - half_width(shortest)
    assert shortest.mean() + half_width(shortest) < in_turn.mean() - half_width(in_turn)


def test_mean_waits_of_classes_served_by_priority():
    """M/G/1 with priorities that do not interrupt service (Cobham 1954)."""
    load, shares = 0.8, (0.3, 0.3, 0.4)
    names = ("urgent", "usual", "late")
    tiers = {name: SloTier(priority=-place) for place, name in enumerate(names)}
    scenario = servers(scheduler="priority-fcfs", priority="class-age", priority_parameters={"age_per_s": 0.0})
    scenario = replace(scenario, slo_tiers=tiers)
    waits = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, 54])
        code = rng.choice(3, CUSTOMERS, p=shares)
        table = customers(CUSTOMERS, load / SERVICE_US * 1e6, memoryless(rng), rng, slo_class=code, slo_names=names)
        delay_us = simulate(scenario, table).scheduling_delay_us
        waits.append([delay_us[CUSTOMERS // 10 :][code[CUSTOMERS // 10 :] == place].mean() for place in range(3)])
    residual_us = load * SECOND_MOMENTS[memoryless] * STEP_US / (2 * MEAN_TOKENS)
    above = load * np.concatenate([[0], np.cumsum(shares)])
    for place, found in enumerate(np.array(waits).T):
        agree(found, residual_us / ((1 - above[place]) * (1 - above[place + 1])), narrow=0.12)


def test_mean_waits_of_short_and_long_prompts_served_shortest_first():
    """The same by prompt: service is a step and what the prompt's tokens add to it."""
    load, sizes, shares = 0.8, np.array([50, 1000]), (0.7, 0.3)
    services_us = STEP_US + 100 * sizes
    scenario = servers(scheduler="sjf")
    model = LatencyModel(beta=(STEP_US, 100, 0))
    scenario = replace(scenario, instance=replace(scenario.instance, latency_model=model))
    mean_us, square_us = float(services_us @ shares), float(services_us**2 @ shares)
    waits = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, 55])
        code = rng.choice(2, CUSTOMERS, p=shares)
        table = replace(customers(CUSTOMERS, load / mean_us * 1e6, np.ones(CUSTOMERS), rng), input_tokens=sizes[code])
        delay_us = simulate(scenario, table).scheduling_delay_us
        waits.append([delay_us[CUSTOMERS // 10 :][code[CUSTOMERS // 10 :] == place].mean() for place in range(2)])
    above = np.concatenate([[0], np.cumsum(load * services_us * shares / mean_us)])
    for place, found in enumerate(np.array(waits).T):
        residual_us = load * square_us / (2 * mean_us)
        agree(found, residual_us / ((1 - above[place]) * (1 - above[place + 1])), narrow=0.12)


@pytest.mark.parametrize(("instances", "at_once"), [(1, 1), (1, 8), (4, 4)])
def test_littles_law(instances: int, at_once: int):
    """Number in the batch x time = sum of services, exactly; the same of the queue, but for the arrival's own step."""

    def check(table: RequestTable, result: ResultTable) -> float:
        counters = result.instances
        assert counters["batch_sum"].sum() * STEP_US == (result.completed_us - result.scheduled_us).sum()
        waited_us = int(result.scheduling_delay_us.sum())
        queue_us = int(counters["queue_sum"].sum()) * STEP_US  # looked at when a step starts
        assert waited_us - len(table) * STEP_US <= queue_us <= waited_us
        in_system = (queue_us + counters["batch_sum"].sum() * STEP_US) / result.end_us
        rate = len(table) / result.end_us
        assert in_system == pytest.approx(rate * result.e2e_us.mean(), abs=rate * STEP_US)
        return 0.0

    runs(servers(instances, at_once), 0.8, memoryless, check)


@pytest.mark.parametrize(("instances", "at_once"), [(1, 1), (3, 4)])
def test_littles_law_by_looking_in_now_and_then(instances: int, at_once: int):
    """Everybody is seen waiting as often as the time waited has samples, give or take one; the same of the batch.

    A completion shows at the start of its step, one step early.
    """
    sample_us, n = 10 * STEP_US, 2000
    rng = np.random.default_rng(9)
    scenario = servers(instances, at_once, routing="least-loaded")
    rate = 0.9 * instances * at_once / SERVICE_US * 1e6
    table = customers(n, rate, geometric(n, MEAN_TOKENS, rng), rng)
    result = simulate(scenario, table, observe=Observe(sample_us=sample_us))
    waited_us, served_us = result.scheduling_delay_us.sum(), (result.completed_us - result.scheduled_us).sum()
    assert abs(result.samples["queue_depth"].sum() * sample_us - waited_us) <= n * sample_us
    assert abs(result.samples["batch_size"].sum() * sample_us - served_us) <= n * (sample_us + STEP_US)
    per_instance = waiting_over_time(result)
    assert per_instance.sum() * result.end_us == pytest.approx(waited_us, abs=2 * n * sample_us)
