"""Servers of one model that share the requests: each in turn, but for those that nobody reaches just now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from blis.observe.asking import Asking
from blis.observe.endpoint import Endpoint
from blis.observe.seen import Clock, Seen


class Endpoints:
    """One or more, with a pool of connections and a circuit breaker each; `async with` opens and closes them."""

    def __init__(self, askings: Sequence[Asking], clock: Clock) -> None:
        """Nothing is sent yet."""
        self.all = [Endpoint(asking, clock) for asking in askings]
        self._clock = clock
        self._next = 0

    async def __aenter__(self) -> Endpoints:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        for endpoint in self.all:
            await endpoint.aclose()

    async def ask(self, prompt: str, output_tokens: int) -> Seen:
        """Send a request to the one whose turn it is, its tries included; where it went is in what was seen."""
        number = self._turn()
        return replace(await self.all[number].ask(prompt, output_tokens), endpoint=number)

    async def round_trip_us(self) -> float:
        """The mean of their quickest handshakes; 0 if there is one that nobody shakes hands with."""
        found = [await endpoint.round_trip_us() for endpoint in self.all]
        return sum(found) / len(found) if all(found) else 0

    async def metrics(self) -> str:
        """What they say of themselves now, one page behind the other. Raises UnreadError."""
        return "\n".join(await asyncio.gather(*(endpoint.metrics() for endpoint in self.all)))

    def _turn(self) -> int:
        """The next in a row that may be reached; if none may, the next."""
        turns = [(self._next + step) % len(self.all) for step in range(len(self.all))]
        now_us = self._clock.now_us()
        number = next((turn for turn in turns if not self.all[turn].breaker.is_open(now_us)), turns[0])
        self._next = number + 1
        return number
