"""Steps one by one: when they start, who sees what, when a request is over. A step takes 100 µs, a block 4 tokens."""

from __future__ import annotations

import pytest

from blis.config import Compat, LatencyModel
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.evaluation.itl import expand_gaps
from tests.blis.engine.plain_times import deployment, requests


def own(tokens: int, name: int = 1) -> range:
    """A prompt that nobody else has."""
    return range(1000 * name, 1000 * name + tokens)


def test_who_is_queued_when_a_step_starts_is_in_it():
    assert simulate(deployment(), requests([0, 100, 101], 3)).scheduled_us.tolist() == [0, 100, 200]


def test_a_decision_sees_what_happened_before_its_instant():
    decisions = simulate(deployment(), requests([0, 0, 100], 2), observe=Observe(decisions=True)).decisions
    assert decisions["pending"][:, 0].tolist() == [0, 1, 0]  # at 0 request 0 is on its way: its queue comes later
    assert decisions["batch_size"][:, 0].tolist() == [0, 0, 2]  # the step at 100 comes later
    assert decisions["free_blocks"][:, 0].tolist() == [1000, 1000, 996]


def test_a_completion_is_seen_at_the_start_of_the_step_that_makes_it():
    decisions = simulate(deployment(), requests([0, 1], 1), observe=Observe(decisions=True)).decisions
    assert decisions["batch_size"][:, 0].tolist() == [0, 0]
    assert decisions["free_blocks"][:, 0].tolist() == [1000, 1000]


@pytest.mark.parametrize(("horizon_us", "steps", "generated"), [(99, 1, 0), (100, 2, 1), (199, 2, 1), (200, 3, 2)])
@pytest.mark.parametrize("original", [False, True])
def test_a_step_that_starts_at_the_horizon_runs_but_its_tokens_are_not_reported(horizon_us, steps, generated, original):
    result = simulate(deployment(horizon_us=horizon_us), requests([0], 5), Compat(behind_horizon=original))
    assert result.instances["steps"][0] == steps
    assert result.generated_tokens.tolist() == [generated + original]
    assert result.status_names() == ["running"]


@pytest.mark.parametrize(
    ("tokens", "outputs", "status"),
    [(8, 0, "completed"), (8, 1, "completed"), (7, 2, "completed"), (8, 2, "dropped"), (9, 1, "dropped")],
)
def test_what_can_never_fit_is_dropped(tokens, outputs, status):
    # two blocks; the KV of the last token is not stored
    result = simulate(deployment(blocks=2), requests([0], outputs, [own(tokens)]))
    assert result.status_names() == [status]
    assert result.instances["dropped"][0] == (status == "dropped")
    assert result.queued_us.tolist() == [-1 if status == "dropped" else 0]


def test_the_next_batch_waits_for_the_end_of_the_last_step():
    table = requests([0, 50, 199], 1)
    assert simulate(deployment(), table).scheduled_us.tolist() == [0, 100, 200]
    emptied = Compat(idle_when_batch_empties=True)
    assert simulate(deployment(), table, emptied).scheduled_us.tolist() == [0, 50, 199]


def test_an_emptied_batch_with_somebody_waiting_is_not_idle():
    # 1 is queued at 50 while 0 runs two steps more than one; under compat, too, it joins at 100
    table = requests([0, 50], 2)
    assert simulate(deployment(), table, Compat(idle_when_batch_empties=True)).scheduled_us.tolist() == [0, 100]


@pytest.mark.parametrize(("outputs", "steps"), [(0, 1), (1, 1), (2, 2), (5, 5)])
def test_a_request_takes_a_step_a_token_and_one_without_outputs_one(outputs, steps):
    result = simulate(deployment(), requests([0], outputs))
    assert result.completed_us.tolist() == [100 * steps]
    assert result.generated_tokens.tolist() == [outputs]
    assert result.first_step.tolist() == [1] and result.last_step.tolist() == [steps]
    assert result.instances["used_blocks"][0] == 0


@pytest.mark.parametrize(
    ("tokens", "blocks"), [(8, [2, 3, 3, 3, 3, 4]), (7, [2, 2, 3, 3, 3, 3]), (5, [2, 2, 2, 2, 3, 3])]
)
def test_a_block_is_taken_in_the_step_that_needs_it(tokens, blocks):
    result = simulate(deployment(), requests([0], 6, [own(tokens)]), observe=Observe(sample_us=50))
    assert result.samples["used_blocks"][1::2, 0].tolist() == [*blocks[:-1], 0]  # the last step shows its completion
    assert result.instances["peak_blocks"][0] == blocks[-1]
    assert result.instances["block_us"][0] == 100 * sum(blocks)


def test_the_peak_is_that_of_the_fullest_step():
    result = simulate(deployment(), requests([0, 100], [1, 3], [own(40), own(4, 2)]))
    assert result.instances["peak_blocks"][0] == 10


@pytest.mark.parametrize(("horizon_us", "end_us"), [(100, 100), (99, 0)])
def test_an_end_at_the_horizon_is_an_event_and_one_beyond_it_is_none(horizon_us, end_us):
    original = Compat(duration_last_event=True, behind_horizon=True)
    result = simulate(deployment(horizon_us=horizon_us), requests([0]), original)
    assert result.end_us == end_us
    assert result.status_names() == ["completed"]


def test_nobody_can_be_served_by_a_step_that_only_evicts():
    """V9 of engine.md with steps of 100 µs.

    Both hold two of four blocks and need a third at 300. So the second is evicted, and computes its 6 prompt and 3
    generated tokens again at 400, but for the first block, which it finds where it has left it.
    """
    result = simulate(deployment(blocks=4), requests([0, 0], 4, [own(6), own(6, 2)]))
    assert result.preemptions.tolist() == [0, 1]
    assert result.completed_us.tolist() == [400, 500]
    assert [expand_gaps(result, row) for row in (0, 1)] == [[100, 100, 100], [100, 100, 200]]
    assert result.instances["prefill_tokens"][0] == 6 + 6 + 5
    assert result.scheduled_us.tolist() == [0, 0]
    assert result.first_token_us.tolist() == [100, 100]
    assert result.generated_tokens.tolist() == [4, 4]
    assert result.instances["output_tokens"][0] == 8


def test_the_time_of_a_step_depends_on_its_tokens():
    model = LatencyModel(alpha=(3, 1, 0), beta=(10, 2, 5))
    table = requests([0, 0], [2, 3], [own(6), own(10, 2)])
    result = simulate(deployment(engine={"latency_model": model}), table)
    assert result.queued_us.tolist() == [9, 13]
    # 9: 6 tokens → 22 µs; 31: a decode and 10 tokens → 35; 66 and 81: one decode → 15 each
    assert result.first_token_us.tolist() == [31, 66]
    assert result.completed_us.tolist() == [66, 96]
    assert result.instances["busy_us"][0] == 22 + 35 + 15 + 15
