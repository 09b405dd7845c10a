"""A request on its way: to the server that the policy says, then elsewhere as long as there is an elsewhere to try."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import numpy as np

from blis.config import Retries
from blis.engine.live.control_plane import Passage
from blis.gateway.asked import Asked
from blis.gateway.backends import Backend, Backends
from blis.gateway.budget import RetryBudget
from blis.gateway.desk import Desk
from blis.gateway.forward import FailedError, Forwarder, Opened
from blis.gateway.metrics import Metrics
from blis.serve.refusal import RefusedError
from blis.serve.replies import DONE, event


class Attempts:
    """Sends requests on."""

    def __init__(
        self, backends: Backends, desk: Desk, forwarder: Forwarder, retries: Retries, metrics: Metrics
    ) -> None:
        """retries: how often what fails is sent elsewhere, and when."""
        self._backends, self._desk, self._forwarder = backends, desk, forwarder
        self._retries, self._budget, self._metrics = retries, RetryBudget(retries), metrics

    async def open(self, passage: Passage, asked: Asked, headers: Mapping[str, str]) -> Opened:
        """The answer of the first server that has one, which passage.instance is then.

        Raises RefusedError if none has; what a server said to that is passed on.
        """
        self._budget.earn()
        barred = np.zeros(len(self._backends), np.bool_)
        while True:
            backend = self._backends[passage.instance]
            try:
                return await self._try(backend, asked, headers)
            except FailedError as error:
                barred[passage.instance] = True
                if not await self._send_again(passage, barred):
                    if error.answer:
                        return error.answer
                    raise RefusedError(error.status, f"no server could answer: {error.why}", retry_after_s=1) from None

    async def rest(self, passage: Passage, opened: Opened) -> AsyncIterator[bytes]:
        """What follows the beginning of a stream; if it breaks off, an event says so."""
        backend = self._backends[passage.instance]
        assert opened.rest is not None
        try:
            async for data in opened.rest:
                yield data
            opened.ended = 200
            self._serve(backend)
        except FailedError as error:
            self._fail(backend, error)
            self._metrics.cut_off()
            opened.ended = error.status
            why = RefusedError(error.status, f"the server failed before the end of its answer: {error.why}")
            yield (event(why.body) + DONE).encode()
        finally:
            await opened.rest.aclose()

    def give_up(self, passage: Passage, opened: Opened) -> None:
        """Nobody waits for the rest of a stream."""
        self._metrics.attempted(self._backends[passage.instance], "given up")
        opened.hang_up()

    async def _try(self, backend: Backend, asked: Asked, headers: Mapping[str, str]) -> Opened:
        self._backends.sent_to(backend)
        try:
            opened = await self._forwarder.open(backend, asked, headers)
        except FailedError as error:
            self._fail(backend, error)
            raise
        except asyncio.CancelledError:
            self._metrics.attempted(backend, "given up")
            raise
        if not opened.rest:
            self._serve(backend)
        return opened

    def _serve(self, backend: Backend) -> None:
        self._metrics.attempted(backend, "served")
        self._backends.answered(backend)

    def _fail(self, backend: Backend, error: FailedError) -> None:
        self._metrics.attempted(backend, "failed")
        if error.broken:
            self._backends.failed(backend, error.why)

    async def _send_again(self, passage: Passage, barred: np.ndarray) -> bool:
        """Whether it is tried elsewhere; then passage.instance says where."""
        failed = int(barred.sum())
        if failed > self._retries.limit or not self._budget.spend():
            return False
        await asyncio.sleep((self._retries.backoff_us << (failed - 1)) / 1e6)
        if not self._desk.plane.send_again(passage, barred, self._desk.now_us):
            return False
        self._metrics.retry()
        return True
