"""Connections to one server that are used again, the last one to be free first.

A pool of httpx looks at all its connections whenever one is taken or given back, which hundreds of streams would wait
for; here each has a pool of its own, of one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx

_IDLE_S = 4.0  # servers close connections that have been idle for 5 s; a request may be on its way then


class Connections(httpx.AsyncBaseTransport):
    """As many as are in use at once at any time."""

    def __init__(self, secure: bool) -> None:
        """secure: whether they are of https."""
        self._verify = httpx.create_ssl_context(trust_env=False) if secure else False
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._all: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a free connection, or a new one."""
        one = self._free.pop() if self._free else self._another()
        try:
            response = await one.handle_async_request(request)
        except BaseException:
            self._free.append(one)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Lent(response.stream, lambda: self._free.append(one))
        return response

    async def aclose(self) -> None:
        """Close all of them."""
        for one in self._all:
            await one.aclose()

    def _another(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_S)
        self._all.append(httpx.AsyncHTTPTransport(verify=self._verify, limits=limits, trust_env=False))
        return self._all[-1]


class _Lent(httpx.AsyncByteStream):
    """The body of a response, which gives its connection back when it is closed."""

    def __init__(self, stream: httpx.AsyncByteStream, give_back: Callable[[], None]) -> None:
        self._stream, self._give_back = stream, give_back
        self._given_back = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._stream:
            yield data

    async def aclose(self) -> None:
        """Once, however often."""
        try:
            await self._stream.aclose()
        finally:
            if not self._given_back:
                self._given_back = True
                self._give_back()
