"""One request to one server: sent as it came, its answer read as far as it takes to know that it is one.

A stream is an answer once its first event is here, any other once all of it is: until then somebody else can be asked.
The HTTP client is aiohttp, which MLflow brings: with 64 connections at once httpx passes a twentieth as many requests.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from blis.errors import one_line
from blis.gateway.asked import Asked
from blis.gateway.backends import Backend
from blis.gateway.events import Events, MalformedError
from blis.serve.refusal import RefusedError

#: Of an answer that is not streamed.
_MOST_BYTES = 64 * 1024 * 1024
_IDLE_S = 4.0  # servers close connections that have been idle for 5 s; a request may be on its way then

#: Headers of one connection, and those that are written anew. Answers are to come as they are: not compressed.
_OWN = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "host",
        "content-length",
        "accept-encoding",
        "expect",
    ]
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_KEPT = ("content-type", "retry-after", "x-request-id", "cache-control")

#: Statuses with which a server says that it cannot, not that the request is wrong.
_UNABLE = frozenset([429, *range(500, 1000)])

#: What is raised when an answer is none.
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError)


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for a server, in seconds."""

    connect_s: float = 2.0
    silence_s: float = 300.0  # no byte of the answer, neither its first nor the next


@dataclass
class Opened:
    """An answer: all of it, or its beginning and what is to come."""

    status: int
    headers: dict[str, str]
    body: bytes  # so far
    rest: AsyncGenerator[bytes] | None = None  # of a stream
    ended: int = 0  # how the stream has: 200, or a status of an error
    hang_up: Callable[[], None] = lambda: None


class FailedError(Exception):
    """A server did not answer as it should."""

    def __init__(self, why: str, status: int = 502, answer: Opened | None = None) -> None:
        """status: for the client, if nobody else can answer. answer: what the server said."""
        super().__init__(why)
        self.why, self.status, self.answer = why, status, answer

    @property
    def broken(self) -> bool:
        """Whether something is wrong with the server; one that has too much to do is well."""
        return self.answer is None or self.answer.status != 429


class Forwarder:
    """Connections to all servers, which are used again."""

    def __init__(self, timeouts: Timeouts, connections: int = 0) -> None:
        """connections: to one server, 0 = as many as it takes. Call where an event loop runs."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=connections, keepalive_timeout=_IDLE_S, ttl_dns_cache=10
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=timeouts.connect_s, sock_read=timeouts.silence_s, ceil_threshold=3600
            ),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def close(self) -> None:
        """No more requests."""
        await self._session.close()

    async def open(self, backend: Backend, asked: Asked, headers: Mapping[str, str]) -> Opened:
        """The answer of a server. Raises FailedError.

        Whoever is done with the rest of a stream, or tired of it, closes it.
        """
        try:
            async with asyncio.timeout(None) as limit:
                with _heeding(backend, lambda: limit.reschedule(asyncio.get_running_loop().time())):
                    return await self._open(backend, asked, headers)
        except _FAILURES as error:
            raise (_failed(error) if backend.up else FailedError(backend.why)) from None

    async def get(
        self, backend: Backend, target: str, within_s: float, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Status and text of a page. Raises FailedError."""
        try:
            async with self._session.get(
                _url(backend, target),
                timeout=aiohttp.ClientTimeout(total=within_s),
                headers=headers,
                allow_redirects=False,
            ) as response:
                return response.status, (await _whole(response)).decode(errors="replace")
        except _FAILURES as error:
            raise _failed(error) from None

    async def _open(self, backend: Backend, asked: Asked, headers: Mapping[str, str]) -> Opened:
        url = _url(backend, asked.target)
        response = await self._session.post(url, data=asked.body, headers=headers, allow_redirects=False)
        try:
            return await self._read(response, backend, asked)
        except BaseException:
            response.close()
            raise

    async def _read(self, response: aiohttp.ClientResponse, backend: Backend, asked: Asked) -> Opened:
        """The answer, as far as it has to be read."""
        kept = {name: response.headers[name] for name in _KEPT if name in response.headers}
        if response.status == 200 and response.content_type == "text/event-stream":
            events = Events(done=not asked.completes)
            first = b""
            while not first:
                data = await response.content.readany()
                if not data:
                    raise MalformedError("the stream ended before its first event")
                first = events.take(data)
            return Opened(200, kept, first, _rest(response, events, backend), hang_up=response.close)
        answer = Opened(response.status, kept, await _whole(response))
        if 300 <= response.status < 400:
            raise FailedError(f"it answered {response.status} instead of itself")
        if response.ok and (asked.completes or response.content_type == "application/json"):
            json.loads(answer.body)
        if response.status in _UNABLE:
            raise FailedError(f"it answered {response.status}", response.status, answer)
        return answer


def _url(backend: Backend, target: str) -> URL:
    """Where a target is at a server, as the client wrote it: not decoded, nothing made shorter."""
    return URL(str(URL(backend.url)).rstrip("/") + target, encoded=True)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """All that it holds. Raises FailedError if that is too much."""
    parts, size = [], 0
    while data := await response.content.readany():
        parts.append(data)
        size += len(data)
        if size > _MOST_BYTES:
            raise FailedError(f"an answer is longer than {_MOST_BYTES} bytes")
    return b"".join(parts)


async def _rest(response: aiohttp.ClientResponse, events: Events, backend: Backend) -> AsyncGenerator[bytes]:
    """The events that follow the first ones. Raises FailedError."""
    whole = False
    try:
        with _heeding(backend, response.close):
            while data := await response.content.readany():
                if ready := events.take(data):
                    yield ready
        events.finish()
        whole = True
    except _FAILURES as error:
        raise (_failed(error) if backend.up else FailedError(backend.why)) from None
    finally:
        if whole:
            response.release()
        else:
            response.close()


@contextmanager
def _heeding(backend: Backend, hang_up: Callable[[], None]) -> Iterator[None]:
    """Hang up as soon as the server is offline."""
    backend.on_offline.add(hang_up)
    try:
        yield
    finally:
        backend.on_offline.discard(hang_up)


def _failed(error: Exception) -> FailedError:
    """Why, for an operator."""
    if isinstance(error, TimeoutError):
        return FailedError("it took too long", 504)
    if isinstance(error, aiohttp.ClientConnectorError):
        return FailedError(f"no connection: {one_line(error.os_error)}", 503)
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError | OSError):
        return FailedError("it hung up before the end")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return FailedError("its answer is no JSON")
    return FailedError(one_line(error) or type(error).__name__)


def sent_on(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a client that a server gets. Raises RefusedError for what no client of ours would send."""
    if bad := next((name for name, value in headers.items() if _CONTROL.search(value)), None):
        raise RefusedError(400, f"{bad} must hold no control characters", bad)
    return {name: _as_sent(value) for name, value in headers.items() if name not in _OWN}


def _as_sent(value: str) -> str:
    """The value of a header, which was read as Latin-1 and is written as UTF-8."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
