"""Many equal steps in one go are what they are one by one; numbers told by hand, 100 µs a step, 4 tokens a block."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from blis.config import Batch, Compat, LatencyModel
from blis.engine.build.outcome import collect
from blis.engine.build.state import encode
from blis.engine.observe import Observe
from blis.engine.run import resume, simulate
from blis.evaluation.itl import expand_gaps
from tests.blis.engine.plain_times import deployment, requests
from tests.laws.against_oracle import assert_same_results
from tests.laws.tight_cases import tight_case

LONG = 300


def step_by_step(scenario, table, compat=None):
    """The same run, paused after every step: nothing is leapt over."""
    state = encode(scenario, table, compat or Compat())
    while resume(state, steps=1):
        pass
    return collect(*state.results(), scenario, table, compat or Compat())


def own(tokens: int, name: int = 1) -> range:
    """A prompt that nobody else has."""
    return range(1000 * name, 1000 * name + tokens)


def test_a_long_output_alone():
    # in its step k = 0, 1, … a request of 8 prompt tokens has stored 8 + k
    result = simulate(deployment(), requests([0], LONG))
    blocks = [-(-(8 + k) // 4) for k in range(LONG)]
    counters = result.instances[0]
    assert result.completed_us.tolist() == [100 * LONG]
    assert expand_gaps(result, 0) == [100] * (LONG - 1)
    assert [int(counters[name]) for name in ("steps", "batch_sum", "output_tokens", "busy_us")] == [
        LONG, LONG, LONG, 100 * LONG,
    ]  # fmt: skip
    assert [int(counters[name]) for name in ("block_us", "peak_blocks", "miss_blocks")] == [
        100 * sum(blocks), blocks[-1], blocks[-1],
    ]  # fmt: skip


def test_one_who_joins_later_shares_the_steps():
    # 1 has stored 6 tokens in the step at 300, 6 + k in those after it
    result = simulate(deployment(), requests([0, 300], [40, 20], [own(8), own(6, 2)]))
    assert result.completed_us.tolist() == [4000, 300 + 2000]
    blocks = sum(-(-(8 + k) // 4) for k in range(40)) + sum(-(-(6 + k) // 4) for k in range(20))
    assert result.instances["block_us"][0] == 100 * blocks


@pytest.mark.parametrize(("arrival_us", "scheduled_us"), [(999, 1000), (1000, 1000), (1001, 1100)])
def test_a_leap_ends_where_somebody_joins(arrival_us, scheduled_us):
    result = simulate(deployment(), requests([0, arrival_us], [LONG, 5]))
    assert result.scheduled_us.tolist() == [0, scheduled_us]
    assert result.completed_us.tolist() == [100 * LONG, scheduled_us + 500]


def test_who_waits_during_a_leap_waits_in_every_step_of_it():
    result = simulate(deployment(engine={"batch": Batch(max_running=1)}), requests([0, 50], [LONG, 1]))
    assert result.scheduled_us.tolist() == [0, 100 * LONG]
    assert result.instances["queue_sum"][0] == LONG - 1  # in the step at 0 it has not come yet
    assert result.instances["batch_sum"][0] == LONG + 1


def test_a_leap_ends_before_blocks_run_out():
    # Both have 2 of 24 blocks after their prefills and take one in the steps 1, 5, 9, …, so 22 in 11 such steps, the
    # last one at 4100. At 4500 both want one more, and the second is evicted.
    result = simulate(deployment(blocks=26), requests([0, 0], [60, 60]))
    evicted_us = 100 * (1 + 4 * 11)
    assert result.preemptions.tolist() == [0, 1]
    assert result.instances["peak_blocks"][0] <= 26
    assert result.completed_us.tolist()[0] == 6000
    gaps = expand_gaps(result, 1)
    assert gaps.index(max(gaps)) == evicted_us // 100 - 1


def test_after_an_eviction_the_next_step_admits():
    """Three requests of 6 tokens hold six blocks, and want a third each at 300.

    The last is evicted and the first ends in that step, so that at 400 the evicted finds the three blocks it needs.
    """
    result = simulate(deployment(blocks=6), requests([0, 0, 0], [4, 10, 4], [own(6, name) for name in (1, 2, 3)]))
    assert result.preemptions.tolist() == [0, 0, 1]
    assert result.completed_us.tolist() == [400, 1000, 500]


@pytest.mark.parametrize(("horizon_us", "steps"), [(1000, 11), (1050, 11), (1099, 11), (1100, 12)])
def test_a_leap_ends_at_the_horizon(horizon_us, steps):
    scenario = deployment(horizon_us=horizon_us)
    result = simulate(scenario, requests([0], LONG), Compat(duration_last_event=True))
    assert result.instances["steps"][0] == steps
    assert result.end_us == 100 * (steps - 1)  # the start of the last step; its end lies beyond
    assert simulate(scenario, requests([0], LONG)).end_us == horizon_us


def test_the_log_tells_which_steps():
    result = simulate(deployment(), requests([0, 500], [LONG, 3]))
    log = result.steps
    assert int(log["count"].sum()) == LONG
    ends = np.cumsum(log["count"])
    np.testing.assert_array_equal(log["first_step"], ends - log["count"] + 1)


def test_samples_in_the_middle_of_a_leap_see_its_steps():
    result = simulate(deployment(), requests([0], 50), observe=Observe(sample_us=170))
    times_us = result.samples["time_us"][:, 0].tolist()
    assert times_us == list(range(0, 5000, 170))
    # the latest step before t has the number (t - 1) // 100; the one at 4900 ends the request
    blocks = [-(-(8 + (time_us - 1) // 100) // 4) if 0 < time_us <= 4900 else 0 for time_us in times_us]
    assert result.samples["used_blocks"][:, 0].tolist() == blocks


@pytest.mark.parametrize("number", range(0, 200, 5))
def test_leaping_is_what_steps_are(number):
    case = tight_case(number)
    plain = step_by_step(case.scenario, case.table, case.compat)
    assert_same_results(simulate(case.scenario, case.table, case.compat), plain)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("context_us", [0.0, 0.7])
def test_long_outputs_leap_far(seed, context_us):
    """The same where a step takes the longer, the more tokens its members have."""
    rng = Random(seed)
    n = 8
    table = requests(
        sorted(rng.randrange(3000) for _ in range(n)),
        [rng.choice([1, 40, LONG]) for _ in range(n)],
        [own(rng.randint(1, 12), name) for name in range(n)],
    )
    engine = {"batch": Batch(max_running=rng.choice([2, 8]))}
    if context_us:
        prices = {"fixed_us": 90.0, "context_us_token": context_us}
        engine["latency_model"] = LatencyModel("linear", parameters=prices)
    scenario = deployment(
        blocks=rng.choice([80, 160, 1000]), engine=engine, horizon_us=rng.choice([None, 20_050, 20_100])
    )
    assert_same_results(simulate(scenario, table), step_by_step(scenario, table))
