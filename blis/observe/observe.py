"""A workload sent to a server: how it counts, a warm-up, all requests, and what was seen of them, Ctrl-C or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from blis.errors import EngineError
from blis.observe.asking import Asking
from blis.observe.dispatch import Dispatch
from blis.observe.endpoint import Endpoint
from blis.observe.endpoints import Endpoints
from blis.observe.prompts import WORDS, Lengths, Prompts, measured
from blis.observe.record import Observed
from blis.observe.scrape import Scraper
from blis.observe.seen import Clock, Seen
from blis.tables.requests import RequestTable

_HELLO = WORDS[0]
_HELLO_TOKENS = 8  # of an answer whose length says nothing


@dataclass(frozen=True)
class Plan:
    """How a workload is sent. at_once: requests under way together, None = any number."""

    askings: tuple[Asking, ...]  # one a server, alike but for its address
    source: str = ""  # of the workload
    seed: int = 0  # of the texts
    at_once: int | None = None
    warm_up: int = 0
    scrape: bool = False


@dataclass
class Observation:
    """One run; what it decides and finds out is in `notes`, for people."""

    table: RequestTable
    plan: Plan
    on_seen: Callable[[Seen], None]
    notes: list[str] = field(default_factory=list)
    scraper: Scraper | None = None
    _rtt_us: float = 0.0
    _dispatch: Dispatch | None = None

    def run(self) -> Observed:
        """Send everything. After Ctrl-C, as far as it came; before the first request nothing can be kept.

        Raises EngineError if the server answers nothing at all.
        """
        interrupted = False
        try:
            asyncio.run(self._run())
        except KeyboardInterrupt:
            interrupted = True
        if self._dispatch is None:
            raise KeyboardInterrupt
        plan = self.plan
        return Observed(
            self.table,
            tuple(self._dispatch.seen()),
            streamed=plan.askings[0].stream,
            warmed_up=plan.warm_up,
            model=plan.askings[0].model,
            source=plan.source,
            rtt_us=self._rtt_us,
            interrupted=interrupted,
        )

    async def _run(self) -> None:
        clock = Clock()
        async with Endpoints(self.plan.askings, clock) as endpoints:
            hello, *_ = [await self._reach(number, endpoint) for number, endpoint in enumerate(endpoints.all)]
            self._rtt_us = await endpoints.round_trip_us()
            prompts = Prompts(self.table, await self._lengths(endpoints.all[0], hello), self.plan.seed)
            await self._warm_up(endpoints, prompts)
            self._dispatch = Dispatch(self.table, prompts, endpoints.ask, clock, self.plan.at_once, self.on_seen)
            scraping = self._scrape(endpoints, clock)
            try:
                await self._dispatch.run()
            finally:
                if scraping is not None:
                    scraping.cancel()
                    with suppress(asyncio.CancelledError):
                        await scraping

    async def _reach(self, number: int, endpoint: Endpoint) -> Seen:
        """A first answer, without what this server does not take."""
        server = "the server" if len(self.plan.askings) == 1 else f"server {number + 1} of {len(self.plan.askings)}"
        hello = await _first_words(endpoint, _HELLO)
        if hello.ok:
            return hello
        with_extras, endpoint.asking = endpoint.asking, replace(endpoint.asking, extras=())
        plain = await _first_words(endpoint, _HELLO)
        if not plain.ok:
            raise EngineError(f"{server} at --url answers no request: {hello.error}")
        self.notes.append(f"{server} does not take {', '.join(with_extras.extras)}: answers may end early")
        return plain

    async def _lengths(self, endpoint: Endpoint, hello: Seen) -> Lengths:
        """How many tokens the words of prompts are."""

        async def counted(text: str) -> int | None:
            if endpoint.asking.count is not None:
                return endpoint.asking.count(text)
            return (await _first_words(endpoint, text)).input_tokens

        lengths = await measured(counted)
        if lengths is None:
            self.notes.append("nobody counts the tokens of prompts: each word is taken for one")
            return Lengths()
        if endpoint.asking.count is not None and hello.input_tokens is not None:  # with the server's template
            return replace(lengths, other_tokens=hello.input_tokens - lengths.word_tokens)
        return lengths

    async def _warm_up(self, endpoints: Endpoints, prompts: Prompts) -> None:
        """As many requests as wanted, as long as the first ones and of other texts."""
        slots = asyncio.Semaphore(self.plan.at_once or max(self.plan.warm_up, 1))

        async def one(number: int) -> bool:
            row = number % len(self.table)
            async with slots:
                text = prompts.warm_up(number, int(self.table.input_tokens[row]))
                return (await endpoints.ask(text, int(self.table.output_tokens[row]))).ok

        answered = await asyncio.gather(*map(one, range(self.plan.warm_up)))
        if not all(answered):
            self.notes.append(f"{answered.count(False)} of {len(answered)} requests to warm up got no whole answer")

    def _scrape(self, endpoints: Endpoints, clock: Clock) -> asyncio.Task[None] | None:
        if not self.plan.scrape:
            return None
        self.scraper = Scraper(endpoints.metrics, clock.now_us)
        return asyncio.create_task(self.scraper.run())


async def _first_words(endpoint: Endpoint, text: str) -> Seen:
    """A short answer. Whoever asks is still cancelled, though `ask` tells that as something seen."""
    seen = await endpoint.ask(text, _HELLO_TOKENS)
    if (task := asyncio.current_task()) is not None and task.cancelling():
        raise asyncio.CancelledError
    return seen
