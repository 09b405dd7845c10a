"""Adapters step by step by hand: every step takes 100 µs, a load 10, a fetch 1000 more."""

from typing import Any

import numpy as np
import pytest

from blis.config import KV, Batch, Engine, Failures, LatencyModel, Lora, Outage, Retries
from blis.engine.run import simulate
from blis.evaluation.laws import check_laws
from blis.workload.content.adapters import with_adapters
from tests.blis.engine.plain_times import deployment, requests

LOAD, FETCH = 10, 1010  # what a step waits


def run(adapters, arrivals, outputs=1, *, lora: dict[str, Any] | None = None, engine=None, cluster=None, **columns):
    names = tuple(f"a{number}" for number in range(max(adapters) + 1))
    table = with_adapters(requests(arrivals, outputs, **columns), np.array(adapters, np.int32), names)
    given = Lora(**{"max_loras": 1, "load_us": LOAD, "fetch_us": FETCH - LOAD, **(lora or {})})
    scenario = deployment(engine={"lora": given, **(engine or {})}, **(cluster or {}))
    result = simulate(scenario, table)
    assert check_laws(scenario, table, result) == []
    return result


def counts(result):
    return tuple(int(result.instances[name].sum()) for name in ("adapter_loads", "adapter_fetches", "adapter_us"))


def test_the_first_token_waits_for_queueing_fetch_load_and_step():
    alpha = LatencyModel(alpha=(20, 1.5, 3), beta=(100, 0, 0))
    result = run([0], [50], engine={"latency_model": alpha})
    assert result.ttft_us.tolist() == [20 + 12 + FETCH + 100 + 3]
    assert result.adapter_us.tolist() == [FETCH]
    assert counts(result) == (1, 1, FETCH)


def test_an_adapter_stays_where_it_is_until_another_needs_its_place():
    """In memory there is room for two: 0 is loaded again, then, after 2, fetched."""
    result = run([0, 0, 1, 0, 2, 1], [0, 2000, 4000, 6000, 8000, 10_000], lora={"max_cpu_loras": 2})
    assert result.adapter_us.tolist() == [FETCH, 0, FETCH, LOAD, FETCH, FETCH]
    assert counts(result) == (5, 4, 4 * FETCH + LOAD)


def test_what_was_used_least_recently_makes_room():
    at = range(0, 20_000, 2000)
    result = run([0, 1, 2, 0, 3, 1, 0], at[:7], lora={"max_loras": 2, "max_cpu_loras": 3})
    # memory: 0 | 1 0 | 2 1 0 | 0 2 1 (a load) | 3 0 2 | 1 3 0 | 0 1 3 (a load)
    assert result.adapter_us.tolist() == [FETCH, FETCH, FETCH, LOAD, FETCH, FETCH, LOAD]


def test_of_those_used_last_in_one_step_the_lowest_number_was_used_latest():
    """0 and 1 end in one step, whatever the order in which they came; then 2 takes the place of 1."""
    for first in ([0, 1], [1, 0]):
        result = run([*first, 2, 0], [0, 0, 5000, 8000], lora={"max_loras": 2, "max_cpu_loras": 2})
        assert result.adapter_us.tolist()[3] == 0


def test_all_members_wait_and_loads_of_one_step_add_up():
    result = run([-1, 0, 1], [0, 50, 60], [30, 1, 1], lora={"max_loras": 2})
    assert result.first_token_us.tolist() == [100, 200 + 2 * FETCH, 200 + 2 * FETCH]
    assert result.adapter_us.tolist() == [-1, FETCH, FETCH]


def test_one_too_many_is_passed_over_and_keeps_its_place():
    """0 runs; 1 waits until it is done, those behind it go: another of 0, and one for the base model."""
    result = run([0, 1, 0, -1, 1], [0, 50, 60, 70, 80], [5, 1, 2, 1, 1])
    step = FETCH + 100
    assert result.scheduled_us.tolist() == [0, step + 400, step, step, step + 400]
    assert result.adapter_us.tolist() == [FETCH, FETCH, 0, -1, 0]


@pytest.mark.parametrize("scheduler", ["fcfs", "sjf", "least-attained-service"])
def test_whoever_is_passed_over_goes_before_those_that_came_later(scheduler):
    columns = {"tenant": [0, 1, 1, 1]}
    result = run([0, 1, 1, 2], [0, 50, 60, 70], [3, 1, 1, 1], engine={"scheduler": scheduler}, **columns)
    assert result.scheduled_us[1] == result.scheduled_us[2] < result.scheduled_us[3]


def test_a_step_takes_longer_while_a_member_has_an_adapter():
    factor = {"load_us": 0, "fetch_us": 0, "step_factor": 1.255}
    result = run([-1, 0], [0, 50], [4, 2], lora=factor)
    assert result.completed_us.tolist() == [100 + 125 + 125 + 100, 350]


def test_steps_that_are_leapt_over_take_as_long():
    factor = {"load_us": 0, "fetch_us": 0, "step_factor": 1.5}
    result = run([0], [0], [200], lora=factor)
    assert result.completed_us.tolist() == [200 * 150]


def test_whoever_waits_behind_a_full_batch_does_not_hold_up_leaps():
    result = run([0, 1], [0, 10], [500, 1])
    assert result.scheduled_us.tolist() == [0, FETCH + 500 * 100]
    assert result.instances["queue_sum"].tolist() == [499]


def test_a_batch_that_is_chosen_ahead_counts_those_that_run_in_it():
    """The one of 0 is done with the step at 1110, and the next was chosen without it: 1 is in that after it."""
    result = run([0, 1], [0, 10], [2, 1], engine={"engine": Engine(async_scheduling=True)})
    assert result.scheduled_us.tolist() == [0, FETCH + 200]
    assert result.adapter_us.tolist() == [FETCH, FETCH]


def test_one_that_is_preempted_gives_up_its_place():
    kv = {"kv": KV(5, 4), "batch": Batch(max_running=2)}
    result = run([0, 1], [0, 0], [9, 9], lora={"max_loras": 2}, engine=kv)
    assert result.preemptions.tolist() == [0, 1]
    assert result.adapter_us.tolist() == [FETCH, FETCH]  # nobody took its place meanwhile
    result = run([0, 1, 2], [0, 0, 1200], [9, 9, 1], lora={"max_loras": 2}, engine=kv)
    assert counts(result)[1] >= 3


def test_an_instance_that_fails_begins_with_none():
    down = {"failures": Failures((Outage((0,), 3000, 1000),), heartbeat_us=0, offline_after_us=0)}
    result = run([0, 0, 0], [0, 2000, 5000], cluster=down)
    assert result.adapter_us.tolist() == [FETCH, 0, FETCH]


def test_one_that_is_sent_again_says_what_its_latest_attempt_waited_for():
    down = {
        "failures": Failures((Outage((0,), 500, 100),), heartbeat_us=0, offline_after_us=0),
        "retries": Retries(limit=1, backoff_us=1000),
    }
    result = run([0], [0], cluster=down)
    assert (result.adapter_us.tolist(), result.retries.tolist()) == ([FETCH], [1])
    assert counts(result) == (2, 2, 2 * FETCH)
