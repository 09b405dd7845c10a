"""What `least-attained-service` knows of tenants at each step, told by hand: a step takes 100 µs.

Prompt tokens of a prefill and generated tokens count from the end of their step on. Equal tenants go by arrival.
"""

from __future__ import annotations

from collections.abc import Sequence

from blis.config import Batch
from blis.engine.run import simulate
from tests.blis.engine.plain_times import deployment, requests


def scheduled(
    rows: Sequence[tuple[int, int, int]], at_once: int, arrivals_us: Sequence[int] | None = None, blocks: int = 1000
) -> list[int]:
    """When each request of (tenant, prompt tokens, outputs) is admitted."""
    prompts = [range(1000 * row, 1000 * row + tokens) for row, (_, tokens, _) in enumerate(rows)]
    table = requests(
        arrivals_us or [0] * len(rows), [outputs for *_, outputs in rows], prompts, tenant=[row[0] for row in rows]
    )
    engine = {"batch": Batch(max_running=at_once), "scheduler": "least-attained-service"}
    return simulate(deployment(blocks=blocks, engine=engine), table).scheduled_us.tolist()


def test_tokens_of_the_step_at_hand_do_not_count_in_it():
    # all are equal at 0, so the first three go by arrival, however many tokens they get; then tenant 1 has nothing
    rows = [(0, 8, 0)] * 4 + [(1, 8, 0)] * 3
    assert scheduled(rows, at_once=3) == [0, 0, 0, 200, 100, 100, 100]


def test_tokens_of_a_step_count_in_the_next_one():
    rows = [(0, 8, 0), (0, 8, 0), (1, 8, 0)]
    assert scheduled(rows, at_once=1) == [0, 200, 100]


def test_tokens_of_every_step_add_up():
    # after 0 and 100 the tenants have 8 and 3 tokens, after 200 8 and 6, after 300 8 and 9
    rows = [(0, 8, 0), (1, 3, 0), (0, 8, 0), (0, 8, 0), (1, 3, 0), (1, 3, 0)]
    assert scheduled(rows, at_once=1) == [0, 100, 400, 500, 200, 300]


def test_a_prefill_without_outputs_gives_no_token():
    # 4 prompt tokens, against 3 and one generated: equal, so that the earlier row of tenant 0 is next
    assert scheduled([(0, 4, 0), (1, 3, 1), (0, 1, 1), (1, 1, 1)], at_once=1) == [0, 100, 200, 300]


def test_every_generated_token_counts_and_the_last_one_too():
    # 2 prompt tokens and 3 generated ones by 300, against 5: equal, so that the earlier row of tenant 1 is next
    assert scheduled([(0, 2, 3), (1, 5, 0), (1, 1, 0), (0, 1, 0)], at_once=1) == [0, 300, 400, 500]
    # one token more, and tenant 1 has less; one less, and tenant 0 has
    assert scheduled([(0, 2, 3), (1, 5, 0), (0, 1, 0), (1, 1, 0)], at_once=1) == [0, 300, 400, 500]
    assert scheduled([(0, 2, 4), (1, 5, 0), (0, 1, 0), (1, 1, 0)], at_once=1) == [0, 400, 600, 500]


def test_tokens_of_those_who_decode_count_up_to_the_step_before():
    # at 200 tenant 0 has 2 prompt tokens and those of the steps at 0 and 100: as many as tenant 1
    rows = [(0, 2, 9), (1, 4, 0), (0, 1, 0), (1, 1, 0)]
    assert scheduled(rows, at_once=2, arrivals_us=[0, 0, 150, 150]) == [0, 0, 200, 300]
    # at 300 it has one more
    assert scheduled(rows, at_once=2, arrivals_us=[0, 0, 250, 250]) == [0, 0, 400, 300]


def test_what_is_computed_again_counts_again():
    """Two of 6 tokens hold four blocks, and both want a third at 300: the second, of tenant 1, is evicted.

    It has 6 + 3 tokens then, tenant 0 10. At 400 tenant 1 goes on and computes 5 of its 9 tokens again, and gets the
    last. So at 500 it has 15 tokens, and tenant 0, with as few as 10, is first although it comes last.
    """
    rows = [(0, 6, 4), (1, 6, 4), (1, 9, 1), (0, 9, 1)]
    assert scheduled(rows, at_once=2, arrivals_us=[0, 0, 450, 450], blocks=4)[2:] == [600, 500]
