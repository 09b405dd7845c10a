"""When requests go out, and that nobody is lost."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from blis.observe.dispatch import Dispatch
from blis.observe.prompts import Lengths, Prompts
from blis.observe.seen import ERROR, OK, Clock, Seen
from blis.tables.requests import RequestTable
from blis.workload.assemble import assemble
from blis.workload.content.tree import intern_sequences
from blis.workload.follow import closed_loop

MS = 1000


def requests(
    arrival_ms: list[int], follows: list[int] | None = None, think_ms: list[int] | None = None
) -> RequestTable:
    """Requests of 10 + row tokens for as many; row r of the arguments is row r of the table."""
    n = len(arrival_ms)
    inputs = [10 + row for row in range(n)]
    content = intern_sequences([[(row, 0, 2 * inputs[row])] for row in range(n)], inputs)
    arrival_us = np.array(arrival_ms) * MS
    table = assemble(content, arrival_us=arrival_us, input_tokens=inputs, output_tokens=inputs)
    if follows is None:
        return table
    return closed_loop(table, arrival_us, np.array(follows), np.array(think_ms) * MS)


class Server:
    """Answers after a time, or not; what was asked of it and how many at once."""

    def __init__(self, clock: Clock, took_ms: int = 10, fails: tuple[int, ...] = ()) -> None:
        self.clock, self.took_ms, self.fails = clock, took_ms, fails
        self.asked: list[tuple[int, int]] = []  # words, tokens
        self.now = self.most = 0

    async def __call__(self, prompt: str, tokens: int) -> Seen:
        sent_us = self.clock.now_us()
        self.asked.append((len(prompt.split()), tokens))
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.took_ms / 1000)
        self.now -= 1
        failed = tokens in self.fails
        return Seen(sent_us=sent_us, chunk_us=(self.clock.now_us(),), status=ERROR if failed else OK)


def dispatched(
    table: RequestTable, interrupt_after: int | None = None, at_once=None, **server
) -> tuple[list[Seen], Server]:
    clock, heard = Clock(), []
    asked = Server(clock, **server)

    async def run() -> list[Seen]:
        dispatch = Dispatch(table, Prompts(table, Lengths(), 0), asked, clock, at_once, heard.append)
        task = asyncio.create_task(dispatch.run())
        if interrupt_after is not None:
            while len(heard) < interrupt_after:
                await asyncio.sleep(0.01)
            task.cancel()
        await asyncio.wait([task])
        return list(dispatch.seen())

    seen = asyncio.run(run())
    assert len(seen) == len(table) and [one for one in heard if one not in seen] == []
    return seen, asked


def test_requests_go_out_at_their_times_whatever_becomes_of_others():
    seen, server = dispatched(requests([5, 25, 45]), took_ms=500)
    due_us = [one.due_us for one in seen]
    assert np.diff(due_us).tolist() == [20 * MS, 20 * MS]
    assert all(one.due_us <= one.ready_us <= one.sent_us for one in seen)
    assert server.asked == [(10, 10), (11, 11), (12, 12)] and server.most > 1


def test_who_waits_for_an_answer_is_sent_after_it_and_the_pause():
    seen, _ = dispatched(requests([0, 0, 0], follows=[-1, 0, 1], think_ms=[0, 30, 1]), took_ms=50)
    for before, after, think_ms in zip(seen, seen[1:], (30, 1), strict=False):
        assert after.due_us == before.ended_us + think_ms * MS
        assert after.sent_us >= after.due_us


def test_as_many_as_wanted_are_under_way_and_waiting_is_not_lateness():
    seen, server = dispatched(requests([0] * 6), took_ms=200, at_once=2)
    assert server.most == 2 and all(one.ok for one in seen)
    assert max(one.sent_us - one.ready_us for one in seen) >= 300 * MS


def test_who_waits_for_an_answer_that_failed_is_there_and_not_sent():
    table = requests([0, 0, 0, 10], follows=[-1, 0, 1, -1], think_ms=[0, 5, 7, 0])
    seen, server = dispatched(table, fails=(10,))
    assert [one.status for one in seen] == ["error", "error", "error", "ok"]
    assert [one.sent_us < 0 for one in seen] == [False, True, True, False]
    assert {one.error for one in seen[1:3]} == {"not sent: the request before it got no answer"}
    assert seen[1].due_us == seen[0].ended_us + 5 * MS and seen[2].due_us == seen[1].due_us + 7 * MS
    assert len(server.asked) == 2


@pytest.mark.parametrize("follows", [None, [-1, 0, -1]])
def test_who_would_have_come_after_an_interrupt_is_there_and_not_sent(follows):
    table = requests([0, 60_000, 90_000], follows, think_ms=[0, 60_000, 0])
    seen, _ = dispatched(table, interrupt_after=1)
    assert [one.ok for one in seen] == [True, False, False]
    assert [one.error for one in seen[1:]] == ["not sent: interrupted"] * 2
    assert seen[2].due_us - (seen[0].due_us) == 90_000 * MS
