"""A stream that is passed on, and whatever has to be done when it is over, however it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class Passing(StreamingResponse):
    """Ends with the stream, or when the client goes, even before the first byte."""

    def __init__(self, stream: AsyncIterator[bytes], headers: Mapping[str, str], end: Callable[[], None]) -> None:
        """end: is called once it is over."""
        super().__init__(stream, headers=headers)
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()
