from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.config import KV, Admission, Routing
from blis.engine.live.live import Live
from blis.errors import InputError
from blis.tables.records import COMPLETED, DROPPED, REJECTED
from tests.blis.engine.live.small import LIMITS, live, scenario, tokens

END_US = 10**12


def test_tokens_come_at_the_ends_of_steps():
    run = live()
    ticket = run.submit(tokens(0, 8), tokens(100, 3), arrival_us=500)
    run.advance(END_US)
    assert ticket.token_us == [500 + 10_080, 500 + 20_090, 500 + 30_100]
    assert ticket.status == COMPLETED and len(run) == 0


def test_tokens_of_a_step_that_has_begun_are_known():
    run = live()
    ticket = run.submit(tokens(0, 8), tokens(100, 3))
    assert run.advance(1) == [ticket] and ticket.token_us == [10_080]
    assert run.advance(5_000) == []
    assert run.next_us == 10_080


def test_what_a_prompt_shares_with_one_before_is_found_answers_too():
    run = live()
    run.submit(tokens(0, 8), tokens(100, 5))
    run.advance(END_US)
    again = run.submit(np.concatenate([tokens(0, 8), tokens(100, 4), tokens(500, 4)]), tokens(200, 2))
    other = run.submit(np.concatenate([tokens(0, 4), tokens(600, 8)]), tokens(200, 2))
    run.advance(2 * END_US)
    assert (again.cached_tokens, other.cached_tokens) == (12, 4)


def test_room_is_used_again_and_again():
    run = live(requests=4, nodes=32, blocks=8)
    for number in range(200):
        ticket = run.submit(tokens(1000 * number, 12), tokens(1000 * number + 500, 4))
        run.advance(run.now_us + 10**6)
        assert ticket.status == COMPLETED


def test_there_is_no_room_for_more_than_the_limits_say():
    run = live(requests=4)
    tickets = [run.submit(tokens(0, 4), tokens(100, 4)) for _ in range(4)]
    assert None not in tickets[:3] and tickets[3] is None
    run.advance(END_US)
    assert run.submit(tokens(0, 4), tokens(100, 4)) is not None


def test_a_prompt_with_more_blocks_than_there_is_room_for_is_not_taken():
    run = live(nodes=8)
    assert run.submit(tokens(0, 400), tokens(1000, 4)) is None
    assert run.submit(tokens(0, 8), tokens(1000, 4)) is not None


def test_a_request_given_up_leaves_at_once():
    run = live(max_running=1)
    first = run.submit(tokens(0, 8), tokens(100, 50))
    waits = run.submit(tokens(50, 8), tokens(200, 3))
    comes = run.submit(tokens(60, 8), tokens(300, 3), arrival_us=40_000)
    run.advance(25_000)
    run.give_up(first)
    run.advance(30_171)
    assert first.status == DROPPED and len(first.token_us) == 3
    assert waits.token_us[0] == 30_100 + 10_080
    run.give_up(waits)
    run.advance(END_US)
    assert waits.status == DROPPED and comes.status == COMPLETED
    assert run.arrays.instances.used_blocks[0] == 0


def test_who_comes_in_the_room_of_one_who_was_rejected_is_routed_once():
    plain = scenario()
    bucket = Admission("token-bucket", parameters={"capacity_tokens": 20.0, "refill_tokens_per_s": 0.0})
    cluster = replace(plain.cluster, admission=bucket, routing=Routing(latency_us=100))
    run = Live(replace(plain, cluster=cluster), limits=LIMITS)
    first = run.submit(tokens(0, 8), tokens(100, 2))
    rejected = run.submit(tokens(0, 16), tokens(100, 2))
    run.advance(1)
    last = run.submit(tokens(50, 8), tokens(100, 2))
    run.advance(END_US)
    assert rejected.status == REJECTED and last.row == rejected.row
    assert first.status == last.status == COMPLETED and run.arrays.instances.routed[0] == 2


def test_prompts_that_are_equal_up_to_their_last_full_block_have_one_home():
    plain = scenario(instances=2)
    cluster = replace(plain.cluster, routing=Routing("prefix-affinity-exact"))
    run = Live(replace(plain, cluster=cluster), limits=LIMITS)
    prompts = [tokens(0, 10), np.append(tokens(0, 8), 77), tokens(500, 9), np.append(tokens(0, 8), [5, 6, 7])]
    tickets = []
    for prompt in prompts:
        tickets.append(run.submit(prompt, tokens(100, 50)))
        run.advance(run.now_us + 1)
    run.advance(END_US)
    homes = [ticket.instance for ticket in tickets]
    assert homes[0] == homes[1] == homes[3] != homes[2]


def test_sessions_and_tenants_beyond_the_limits_share():
    run = live()
    for number in range(6):
        assert run.submit(tokens(0, 8), tokens(9, 3), tenant=f"t{number}", session=f"s{number}") is not None
    run.advance(END_US)
    assert len(run) == 0


def test_too_much_to_keep_is_refused_with_what_would_help():
    large = scenario(instances=64)
    large = replace(large, instance=replace(large.instance, kv=KV(blocks=1_000_000)))
    with pytest.raises(InputError, match=r"fewer kv\.blocks or instances"):
        Live(large)
