"""`Fleet`: a live run paced by the clock on the wall; whoever waits for a token is woken when it is out."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from blis.engine.live.live import Live, Ticket
from blis.engine.records import NEVER_US
from blis.serve.words import Tokens
from blis.tables.records import COMPLETED

#: A token is out, or the request is over: told to whoever counts.
Listener = Callable[["Answer"], None]


class Answer:
    """A request that is being answered: how many tokens are out by now, and whether it is over."""

    def __init__(self, ticket: Ticket, finish_reason: str) -> None:
        """Nothing is out yet. finish_reason: what its last token will end with."""
        self.ticket, self.finish_reason = ticket, finish_reason
        self.tokens = 0  # out by now
        self.known = 0  # whose times are known
        self.over = False
        self._wanted = 0  # more tokens than these are waited for
        self._news = asyncio.Event()

    @property
    def complete(self) -> bool:
        """Whether the last token is out."""
        return self.tokens == self.ticket.output_tokens

    async def more_than(self, tokens: int) -> None:
        """Wait until more tokens are out, or it is over."""
        self._wanted = tokens
        while self.tokens <= tokens and not self.over:
            self._news.clear()
            await self._news.wait()

    def tell(self) -> None:
        """Wake whoever waits for what there is."""
        if self.over or self.tokens > self._wanted:
            self._news.set()


class Fleet:
    """A simulated cluster in real time, or so many times faster."""

    def __init__(self, live: Live, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        """speed: simulated seconds a second. clock: seconds from any beginning."""
        self.live, self.speed, self._clock = live, speed, clock
        self.draining = False
        self.failure: Exception | None = None
        self.late_s = 0.0  # by how much the latest tokens were, on the wall
        self.on_token: list[Listener] = []
        self.on_end: list[Listener] = []
        self._start_s = clock()
        self._answers: dict[Ticket, Answer] = {}
        self._due: list[tuple[int, int, Answer]] = []  # heap of tokens that are known and not out
        self._numbers = count()
        self._submitted = asyncio.Event()

    @property
    def now_us(self) -> int:
        """The simulated clock; it never goes back."""
        return max(int((self._clock() - self._start_s) * self.speed * 1e6), self.live.now_us)

    @property
    def in_flight(self) -> int:
        """Requests that are waited for."""
        return len(self._answers)

    def submit(self, prompt: Tokens, answer: Tokens, finish_reason: str, **sender: Any) -> Answer | None:
        """A request comes now; None if there is no room for it. sender: as `Live.submit` has it."""
        ticket = self.live.submit(prompt, answer, self.now_us, **sender)
        if ticket is None:
            return None
        self._submitted.set()
        found = self._answers[ticket] = Answer(ticket, finish_reason)
        return found

    def give_up(self, answer: Answer) -> None:
        """Its client has gone."""
        if self._answers.pop(answer.ticket, None):
            self.live.give_up(answer.ticket)
            answer.over = True
            self._tell(self.on_end, answer)
            self._submitted.set()

    async def run(self) -> None:
        """Go on until cancelled. If the simulation fails, so do all requests."""
        try:
            while True:
                wake_us = self.turn()
                await self._sleep(wake_us)
        except Exception as error:
            self.failure = error
            self.abandon()
            raise

    def abandon(self) -> None:
        """All requests are over, whatever they have got."""
        for answer in list(self._answers.values()):
            self._end(answer)

    def turn(self) -> int:
        """Bring the simulation up to now and tell who has news; returns when the next is due."""
        now_us = self.now_us
        for ticket in self.live.advance(now_us):
            self._note(ticket)
        if self._due and self._due[0][0] <= now_us:
            self.late_s = (now_us - self._due[0][0]) / 1e6 / self.speed
        while self._due and self._due[0][0] <= now_us:
            self._give_token(heapq.heappop(self._due)[2])
        return min(self.live.next_us + 1, self._due[0][0] if self._due else NEVER_US)

    def _note(self, ticket: Ticket) -> None:
        """Tokens that are known now come out at their times; who was rejected knows at once."""
        answer = self._answers.get(ticket)
        if answer is None:
            return
        for token_us in ticket.token_us[answer.known :]:
            heapq.heappush(self._due, (token_us, next(self._numbers), answer))
        answer.known = len(ticket.token_us)
        if ticket.status not in (None, COMPLETED):
            self._end(answer)

    def _give_token(self, answer: Answer) -> None:
        if answer.over:
            return
        answer.tokens += 1
        self._tell(self.on_token, answer)
        if answer.tokens == answer.ticket.output_tokens:
            self._end(answer)
        answer.tell()

    def _end(self, answer: Answer) -> None:
        answer.over = True
        del self._answers[answer.ticket]
        self._tell(self.on_end, answer)
        answer.tell()

    async def _sleep(self, wake_us: int) -> None:
        """Until then, or until somebody comes."""
        seconds = None if wake_us >= NEVER_US else max(wake_us - self.now_us, 0) / self.speed / 1e6
        with suppress(TimeoutError):
            await asyncio.wait_for(self._submitted.wait(), seconds)
        self._submitted.clear()

    def _tell(self, listeners: list[Listener], answer: Answer) -> None:
        for listener in listeners:
            listener(answer)
