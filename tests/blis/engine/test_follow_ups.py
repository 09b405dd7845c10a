"""When those come who follow an answer: a step takes 100 µs, a request with n output tokens runs for n of them."""

from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Admission, LatencyModel
from blis.engine.run import simulate
from blis.tables.records import COMPLETED, NOT_ARRIVED, REJECTED
from tests.blis.engine.plain_times import STEP_US, deployment, requests


def conversation(arrivals_us, outputs, predecessor, think_us, **columns):
    table = requests(np.maximum(np.maximum.accumulate(arrivals_us), 0).tolist(), outputs, **columns)
    return replace(
        table,
        arrival_us=np.array(arrivals_us),
        predecessor=np.array(predecessor, np.int32),
        think_us=np.array(think_us, np.int64),
        cache={},
    )


def test_a_round_comes_when_the_answer_is_complete_and_its_client_has_thought():
    table = conversation([0, -1, -1], [3, 2, 1], [-1, 0, 1], [0, 50, 1])
    result = simulate(deployment(), table)
    assert result.arrival_us.tolist() == [0, 3 * STEP_US + 50, 3 * STEP_US + 50 + 2 * STEP_US + 1]
    assert result.e2e_us.tolist() == [300, 200, 100]


def test_every_token_carries_its_overhead_to_the_client():
    model = LatencyModel(alpha=(0, 0, 7), beta=(STEP_US, 0, 0))
    result = simulate(deployment(engine={"latency_model": model}), conversation([0, -1], [3, 1], [-1, 0], [0, 10]))
    assert result.e2e_us[0] == 3 * (STEP_US + 7)
    assert result.arrival_us[1] == result.e2e_us[0] + 10


def test_two_may_follow_the_same_answer_and_the_lower_row_comes_first():
    table = conversation([0, -1, -1, -1], 1, [-1, 0, 0, 2], [0, 5, 5, 5])
    result = simulate(deployment(engine={"batch": replace(deployment().instance.batch, max_running=1)}), table)
    assert result.arrival_us.tolist() == [0, 105, 105, 310]
    assert result.scheduled_us.tolist() == [0, 105, 205, 310]


def test_nobody_follows_who_is_rejected():
    table = conversation([0, -1, -1, 10], 1, [-1, 0, 1, -1], [0, 1, 1, 0])
    result = simulate(deployment(admission=Admission("reject-all")), table)
    assert result.status.tolist() == [REJECTED, NOT_ARRIVED, NOT_ARRIVED, REJECTED]
    assert result.arrival_us.tolist() == [0, -1, -1, 10]


def test_nobody_follows_behind_the_horizon():
    table = conversation([0, -1], 1, [-1, 0], [0, 50])
    assert simulate(deployment(horizon_us=149), table).status.tolist() == [COMPLETED, NOT_ARRIVED]
    assert simulate(deployment(horizon_us=250), table).status.tolist() == [COMPLETED, COMPLETED]


def test_a_session_that_ends_does_not_hold_up_others():
    table = conversation([0, -1, 10_000], 1, [-1, 0, -1], [0, 5, 0])
    assert simulate(deployment(2), table).arrival_us.tolist() == [0, 105, 10_000]


@pytest.mark.parametrize("routing_instances", [1, 3])
def test_the_next_round_finds_the_blocks_of_its_session(routing_instances):
    """8 prompt tokens and 9 of the answer, the last of which is not stored; of 16 all full blocks of 4 are found."""
    first, answer = list(range(8)), list(range(100, 109))
    prompts = [first, [*first, *answer, 1, 2, 3, 4, 5]]
    table = conversation([0, -1], 1, [-1, 0], [0, 1], prompts=prompts, answers=[answer, [7]])
    result = simulate(deployment(routing_instances), table)
    assert result.cached_tokens.tolist() == [0, 16]


def test_a_request_that_can_never_fit_ends_its_session():
    table = conversation([0, -1, -1], 1, [-1, 0, 1], [0, 1, 1])
    scenario = deployment(engine={"kv": KV(2, 4)})
    long = replace(table, input_tokens=np.array([8, 8, 8]), cache={})
    assert simulate(scenario, long).status.tolist() == [COMPLETED] * 3
    tight = simulate(deployment(engine={"kv": KV(1, 4)}), table)
    assert tight.status_names() == ["dropped", "not_arrived", "not_arrived"]
