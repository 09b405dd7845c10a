from __future__ import annotations

import asyncio

import numpy as np
import pytest

from blis.errors import EngineError
from blis.serve.fleet import Answer, Fleet
from tests.blis.serve.small import fleet


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.s = 50.0

    def __call__(self) -> float:
        return self.s


def submitted(made: Fleet, tokens: int = 3, first: int = 0) -> Answer:
    answer = made.submit(np.arange(first, first + 8), np.arange(100, 100 + tokens), "stop", uniform=0.0)
    assert answer is not None
    return answer


def test_a_token_is_out_when_the_clock_says_so_and_not_before():
    clock = Clock()
    made = fleet(speed=2.0, clock=clock)
    answer = submitted(made)
    seen = []
    for _ in range(5):
        made.turn()
        seen.append((round((clock.s - 50) * 1000), answer.tokens, answer.complete))
        clock.s += 0.00505  # 10.1 ms of the simulated clock
    assert seen == [(0, 0, False), (5, 1, False), (10, 2, False), (15, 3, True), (20, 3, True)]
    assert not made.in_flight


def test_it_says_how_late_tokens_are_on_the_wall():
    clock = Clock()
    made = fleet(speed=2.0, clock=clock)
    submitted(made, 1)
    clock.s += 0.00604  # its only token is due at 5.04 ms
    made.turn()
    assert abs(made.late_s - 0.001) < 1e-5


def test_it_says_when_the_next_token_is_due():
    clock = Clock()
    made = fleet(speed=1.0, clock=clock)
    submitted(made)
    assert made.turn() == 1  # who has just come is still to be looked at
    clock.s += 0.001
    assert made.turn() == 10_080


def test_whoever_is_given_up_gets_no_more_and_is_told_once():
    clock, ended = Clock(), []
    made = fleet(speed=1.0, clock=clock)
    made.on_end.append(ended.append)
    answer = submitted(made, 50)
    clock.s += 0.0251
    made.turn()
    made.give_up(answer)
    made.give_up(answer)
    clock.s += 1
    made.turn()
    made.turn()
    assert answer.tokens == 2 and ended == [answer] and not answer.complete
    assert len(made.live) == 0 and made.live.arrays.instances.used_blocks.sum() == 0


def test_the_simulated_clock_never_goes_back():
    clock = Clock()
    made = fleet(clock=clock)
    clock.s += 1
    made.turn()
    clock.s -= 0.5
    made.turn()
    assert made.now_us == 10**9


def test_waiting_ends_with_news():
    async def waited() -> list[int]:
        made = fleet()
        running = asyncio.create_task(made.run())
        answers = [submitted(made, count, 1000 * count) for count in (1, 4)]
        await asyncio.gather(*(answer.more_than(answer.ticket.output_tokens - 1) for answer in answers))
        running.cancel()
        return [answer.tokens for answer in answers]

    assert asyncio.run(waited()) == [1, 4]


def test_if_the_simulation_fails_nobody_waits_for_ever(monkeypatch):
    async def waited() -> Fleet:
        made = fleet()
        answer = submitted(made)

        def failing(until_us: int) -> None:
            raise EngineError("broken")

        monkeypatch.setattr(made.live, "advance", failing)
        running = asyncio.create_task(made.run())
        await answer.more_than(0)
        assert answer.over and not answer.complete
        with pytest.raises(EngineError):
            await running
        return made

    assert str(asyncio.run(waited()).failure) == "broken"
