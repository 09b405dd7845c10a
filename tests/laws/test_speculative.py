"""Tokens guessed ahead: engine against oracle on random scenarios, and what must hold of every such run."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from blis.config import Compat, Drafter, Instance, LatencyModel, Scenario
from blis.engine.run import simulate
from blis.tables.requests import RequestTable
from blis.workload.assemble import table_from_tokens
from tests.blis.engine.plain_times import deployment
from tests.laws.against_oracle import compare
from tests.laws.guessing_cases import guessing, guessing_case
from tests.laws.random_cases import random_case
from tests.laws.tight_cases import tight_case


@pytest.mark.parametrize("number", range(100))
def test_engine_equals_oracle_where_tokens_are_guessed(number: int):
    compare(guessing_case(Random(number), max_requests=2 + number // 6))
    compare(guessing(Random(number), tight_case(number)))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 1500, 250))
def test_engine_equals_oracle_in_three_thousand_cases_of_guesses(first: int):
    for number in range(1000 + first, 1250 + first):
        compare(guessing_case(Random(number)))
        compare(guessing(Random(number), tight_case(number)))


def alone(requests: int, tokens: int) -> RequestTable:
    """Requests of one prompt token and so many answer tokens, each long after the one before."""
    arrivals = [number * 10**8 for number in range(requests)]
    names = iter(range(10**9))
    return table_from_tokens(
        arrivals, [[next(names)] for _ in arrivals], [[next(names) for _ in range(tokens)] for _ in arrivals]
    )


def cluster(drafts: int, drafter: Drafter) -> Scenario:
    """One instance whose steps take 100 µs, but for what guessing adds."""
    scenario = deployment(blocks=100_000)
    batch = replace(scenario.instance.batch, speculative_tokens=drafts)
    return replace(scenario, instance=replace(scenario.instance, batch=batch, drafter=drafter))


@pytest.mark.parametrize(("drafts", "chance"), [(1, 0.3), (2, 0.8), (4, 0.7), (7, 0.74)])
def test_a_step_gives_as_many_tokens_as_the_formula_says(drafts: int, chance: float):
    """(1 - a^(k+1)) / (1 - a) in the mean (Leviathan, Kalman, Matias, ICML 2023), and all that it drafts costs time."""
    result = simulate(cluster(drafts, Drafter(chance, draft_us=7)), alone(40, 2001))
    decodes = (result.last_step - result.first_step).astype(float)
    a_step = 2000 / decodes
    expected = (1 - chance ** (drafts + 1)) / (1 - chance)
    error = a_step.std(ddof=1) / np.sqrt(len(a_step))
    assert abs(a_step.mean() - expected) < 4 * error + 2 * expected / 2000  # the last step may be cut short
    assert (result.completed_us - result.first_token_us).tolist() == (decodes * (100 + 7 * drafts)).tolist()


def test_chances_by_position_are_met_one_by_one():
    """As vLLM counts them: how often the first, the second and the third draft of a step was accepted."""
    chances = (0.8, 0.5, 0.1)
    result = simulate(cluster(3, Drafter(accepted_per_position=chances)), alone(40, 2001))
    a_step = 2000 / (result.last_step - result.first_step)
    assert a_step.mean() == pytest.approx(1 + sum(chances), rel=0.01)


@pytest.mark.parametrize("seed", range(40))
def test_drafts_that_never_hold_change_no_token(seed: int):
    """Where they cost nothing, and there is room for them, they change nothing at all."""
    case = random_case(Random(seed))
    instance = case.scenario.instance
    roomy = replace(instance.kv, blocks=instance.kv.blocks + 10_000, cpu_blocks=0)
    batch = replace(instance.batch, max_scheduled_tokens=100_000, max_running=1000, long_prefill_threshold=0)
    free = LatencyModel(alpha=instance.latency_model.alpha, beta=(10, 0, 1))
    plain = replace(instance, kv=roomy, batch=batch, latency_model=free, preemption="tail")
    guesses = replace(
        plain, batch=replace(batch, speculative_tokens=3), drafter=Drafter(accepted_per_position=(0.0, 0.0, 0.0))
    )
    horizon = {"horizon_us": None, "pools": ()}
    without = simulate(replace(case.scenario, instance=plain, **horizon), case.table, Compat())
    with_them = simulate(replace(case.scenario, instance=guesses, **horizon), case.table, Compat())
    for name in ("status", "instance", "scheduled_us", "first_token_us", "completed_us", "cached_tokens", "e2e_us"):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_them, name), err_msg=name)
    assert with_them.accepted.sum() == 0


def test_a_text_is_guessed_alike_under_every_policy():
    """What holds belongs to a request and a place in its answer, so that policies meet the same luck."""
    drafter, table = Drafter(0.6), alone(6, 300)
    apart = simulate(cluster(4, drafter), table)
    together = simulate(cluster(4, drafter), replace(table, arrival_us=np.zeros(6, np.int64), cache={}))
    assert apart.accepted.tolist() == together.accepted.tolist()
    assert len(set(apart.accepted.tolist())) > 1


def test_no_more_run_than_have_tokens_with_their_drafts():
    scenario = cluster(3, Drafter(0.5))
    batch = replace(scenario.instance.batch, max_scheduled_tokens=15)
    few: Instance = replace(scenario.instance, batch=batch)
    table = replace(alone(9, 40), arrival_us=np.zeros(9, np.int64), cache={})
    result = simulate(replace(scenario, instance=few), table)
    assert batch.most_running == 3
    assert (
        sorted(result.scheduled_us.tolist())[2] < result.completed_us.min() <= sorted(result.scheduled_us.tolist())[3]
    )
