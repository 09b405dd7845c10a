"""When requests go out: at the times of the workload, or when the answer before is there and its client has thought.

Nobody is lost: whoever waited for an answer that never came, or was to be sent after Ctrl-C, is seen as not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace

from blis.observe.prompts import Prompts
from blis.observe.seen import Clock, Seen
from blis.tables.requests import RequestTable

#: Sends a prompt for so many tokens, and hears the answer out.
Ask = Callable[[str, int], Awaitable[Seen]]

_BEFOREHAND_US = 200_000  # from the start to the first request


class Dispatch:
    """A workload on its way to a server; `start_us` is its time 0 from `run` on."""

    def __init__(
        self,
        table: RequestTable,
        prompts: Prompts,
        ask: Ask,
        clock: Clock,
        at_once: int | None = None,
        on_seen: Callable[[Seen], None] = lambda seen: None,
    ) -> None:
        """at_once: requests that may be under way together, None = any number. on_seen: is told of each."""
        self.start_us = clock.now_us()
        self._table, self._prompts, self._ask, self._clock, self._on_seen = table, prompts, ask, clock, on_seen
        self._slots = nullcontext() if at_once is None else asyncio.Semaphore(at_once)
        self._seen: list[Seen | None] = [None] * len(table)
        self._followers = _followers(table)

    async def run(self) -> None:
        """Send all, and hear all answers out."""
        self.start_us = self._clock.now_us() + _BEFOREHAND_US - self._table.first_arrival_us
        async with asyncio.TaskGroup() as group:
            for row in range(len(self._table)):
                if self._parent(row) < 0:
                    due_us = self._due_us(row)
                    prompt = self._prompts.text(row)  # before it is due: a long one takes its time
                    await self._until(due_us)
                    group.create_task(self._send(row, prompt, due_us, group))

    def seen(self) -> Iterator[Seen]:
        """[n] every request, those that were not sent included."""
        ends_us: list[int] = []
        for row, seen in enumerate(self._seen):
            found = seen or self._not_sent(row, ends_us)
            ends_us.append(found.ended_us)
            yield found

    async def _send(self, row: int, prompt: str, due_us: int, group: asyncio.TaskGroup) -> None:
        """One request; then those that wait for its answer, each in its own time."""
        ready_us = self._clock.now_us()
        async with self._slots:
            seen = await self._ask(prompt, int(self._table.output_tokens[row]))
        self._seen[row] = seen = replace(seen, due_us=due_us, ready_us=ready_us)
        self._on_seen(seen)
        if seen.ok:
            for follower in self._followers[row]:
                group.create_task(self._follow(follower, seen.ended_us + self._think_us(follower), group))

    async def _follow(self, row: int, due_us: int, group: asyncio.TaskGroup) -> None:
        prompt = self._prompts.text(row)
        await self._until(due_us)
        await self._send(row, prompt, due_us, group)

    def _not_sent(self, row: int, ends_us: list[int]) -> Seen:
        """A request that never went out; ends_us: of the rows before it, one of which it may have waited for."""
        parent = self._parent(row)
        if parent < 0:
            return Seen(self._due_us(row), error="not sent: interrupted")
        before = self._seen[parent]
        why = "interrupted" if before is not None and before.ok else "the request before it got no answer"
        return Seen(ends_us[parent] + self._think_us(row), error=f"not sent: {why}")

    def _parent(self, row: int) -> int:
        return -1 if self._table.predecessor is None else int(self._table.predecessor[row])

    def _think_us(self, row: int) -> int:
        return 0 if self._table.think_us is None else int(self._table.think_us[row])

    def _due_us(self, row: int) -> int:
        return self.start_us + int(self._table.arrival_us[row])

    async def _until(self, time_us: int) -> None:
        await asyncio.sleep(max(time_us - self._clock.now_us(), 0) / 1e6)


def _followers(table: RequestTable) -> list[list[int]]:
    """[n] the rows that wait for each."""
    found: list[list[int]] = [[] for _ in range(len(table))]
    for row, parent in enumerate([] if table.predecessor is None else table.predecessor.tolist()):
        if parent >= 0:
            found[parent].append(row)
    return found
