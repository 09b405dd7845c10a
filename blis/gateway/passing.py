"""A stream that is passed on, and whatever has to be done when it is over, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send


class Passing(StreamingResponse):
    """Ends with the stream, or when the client goes, even before the first byte."""

    def __init__(
        self, stream: AsyncIterator[bytes], headers: Mapping[str, str], end: Callable[[], None], patience_s: float
    ) -> None:
        """end: is called once it is over. patience_s: for a client that takes nothing of what there is."""
        super().__init__(stream, headers=headers)
        self._end, self._patience_s = end, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""

        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._patience_s):
                await send(message)

        try:
            with suppress(TimeoutError):
                await super().__call__(scope, receive, send_in_time)
        finally:
            self._end()
