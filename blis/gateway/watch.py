"""Watching servers: how each stands, from its `/metrics`, and whether it is there at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from blis.gateway.backends import Backend, Backends
from blis.gateway.desk import Desk
from blis.gateway.forward import FailedError, Forwarder
from blis.observe.scrape import Reading, ReadingError, reading

#: How long a server may take to say how it stands.
_PATIENCE_S = 4.0

_BLOCKS = re.compile(r'^vllm:cache_config_info\{[^}]*num_gpu_blocks="(\d{1,9})"', re.MULTILINE)


@dataclass(frozen=True)
class Times:
    """How often a server is asked how it stands and whether it is there, and when it is offline, in seconds."""

    scrape_s: float = 0.2
    heartbeat_s: float = 5.0
    offline_s: float = 15.0


class Watch:
    """Tells the desk what servers say, and the list of servers who speaks."""

    def __init__(
        self, backends: Backends, desk: Desk, forwarder: Forwarder, times: Times, say: Callable[[str], None]
    ) -> None:
        """say: takes one line for the operator."""
        self._backends, self._desk, self._forwarder, self._times, self._say = backends, desk, forwarder, times, say
        self._state = {backend: backend.state for backend in backends}
        self._mute: set[Backend] = set()  # those without metrics

    async def begin(self, wait_s: float = 2.0) -> None:
        """Look at all servers once, for so long at most."""
        looks = [asyncio.create_task(look(each)) for look in (self._beat, self._scrape) for each in self._backends]
        await asyncio.wait(looks, timeout=wait_s)
        self._note()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for backend in self._backends:
                tasks.create_task(_again(self._times.scrape_s, partial(self._scrape, backend)))
                tasks.create_task(_again(self._times.heartbeat_s, partial(self._beat, backend)))
            tasks.create_task(_again(self._times.scrape_s, self._look))

    async def _look(self) -> None:
        self._backends.look()
        self._note()

    async def _beat(self, backend: Backend) -> None:
        """Any answer is a sign of life, but one that says it cannot."""
        try:
            status, _ = await self._forwarder.get(backend, "/health", _PATIENCE_S)
        except FailedError as error:
            backend.why = error.why
            return
        if status < 500:
            self._backends.seen(backend)
        else:
            backend.why = f"/health answered {status}"

    async def _scrape(self, backend: Backend) -> None:
        """How it stands; of a server that does not say so what is sent there counts."""
        asked_us = self._desk.now_us
        try:
            status, page = await self._forwarder.get(backend, "/metrics", _PATIENCE_S)
            found = reading(page) if status == 200 else None
        except ReadingError:
            found = None
        except FailedError as error:
            backend.why = error.why
            return
        self._backends.seen(backend)
        if found is None and backend not in self._mute:
            self._mute.add(backend)
            self._say(f"{backend.url} has no metrics of vLLM: requests sent there stand for its load")
        if found and (blocks := sum(map(int, _BLOCKS.findall(page)))):
            self._desk.plane.size(backend.number, blocks)
        now = backend.reading = found or Reading(float(self._desk.plane.in_flight(backend.number)), 0.0, 0.0, 1)
        self._desk.tell(backend.number, int(now.waiting), int(now.running), now.kv_share, asked_us)

    def _note(self) -> None:
        """Say who has come or gone."""
        for backend in self._backends:
            before, self._state[backend] = self._state[backend], backend.state
            if backend.state != before:
                self._say(f"{backend.url} is {backend.state}" + (f": {backend.why}" if backend.why else ""))


async def _again(every_s: float, do: Callable[[], Awaitable[None]]) -> None:
    """Do it at a rate, the next time not before it is done."""
    loop = asyncio.get_running_loop()
    while True:
        begin_s = loop.time()
        await do()
        await asyncio.sleep(max(every_s - (loop.time() - begin_s), 0.01))
