"""`Desk`: a control plane by the clock on the wall; whoever comes waits here until it is decided where to go."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from blis.engine.live.control_plane import ControlPlane, Passage
from blis.engine.records import NEVER_US
from blis.serve.words import Tokens


class Desk:
    """Requests come, are decided on, and leave."""

    def __init__(self, plane: ControlPlane, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds from any beginning."""
        self.plane, self.clock = plane, clock
        self._start_s = clock()
        self._waiting: dict[Passage, asyncio.Event] = {}
        self._news = asyncio.Event()

    @property
    def now_us(self) -> int:
        """Since the start."""
        return int((self.clock() - self._start_s) * 1e6)

    async def place(self, prompt: Tokens, output_tokens: int, **sender: Any) -> Passage | None:
        """Where a request is to go, once that is decided; None if there is no room for it. sender: as `submit` has it.

        Whoever is cancelled meanwhile has gone.
        """
        passage = self.plane.submit(prompt, output_tokens, self.now_us, **sender)
        if passage is None:
            return None
        self.turn()
        if not passage.decided:
            decided = self._waiting[passage] = asyncio.Event()
            self._news.set()
            try:
                await decided.wait()
            except BaseException:
                self._waiting.pop(passage, None)
                self.plane.leave(passage, False, self.now_us)
                raise
        return passage

    def leave(self, passage: Passage, served: bool) -> None:
        """The request is over; somebody who waits may be next."""
        self.plane.leave(passage, served, self.now_us)
        self._look()

    def tell(self, instance: int, waiting: int, running: int, kv_share: float, asked_us: int) -> None:
        """How an instance stands, as `ControlPlane.tell` has it."""
        self.plane.tell(instance, waiting, running, kv_share, asked_us)
        self._look()

    def allow(self, instance: int, up: bool) -> None:
        """Whether requests may go to an instance."""
        if self.plane.allowed(instance) != up:
            self.plane.allow(instance, up)
            self._look()

    def turn(self) -> None:
        """Decide on all that is due."""
        for passage in self.plane.advance(self.now_us):
            if decided := self._waiting.pop(passage, None):
                decided.set()

    async def run(self) -> None:
        """Decide when it is time, until cancelled."""
        while True:
            wake_us = self.plane.next_us if self._waiting else NEVER_US
            seconds = None if wake_us >= NEVER_US else max(wake_us - self.now_us, 0) / 1e6
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)
            self._news.clear()
            self.turn()

    def _look(self) -> None:
        if self._waiting:
            self._news.set()
