"""An OpenAI-compatible server: one request sent, and everything that may become of it.

A request is tried again only before anything of an answer came: if the server could not be reached or hung up without a
word, or said that it is too busy (429, 502, 503, 504). What is said of an error has no address in it and no key.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import httpx

from blis.errors import in_short, one_line
from blis.observe.answers import Answer, AnswerError, problem_of
from blis.observe.asking import Asking
from blis.observe.breaker import Breaker
from blis.observe.connections import Connections
from blis.observe.seen import ERROR, OK, TIMEOUT, Clock, Seen
from blis.observe.sse import Events, TooLongError

_BUSY = (429, 502, 503, 504)
_BACKOFF_S, _LONGEST_BACKOFF_S = 0.25, 10.0
_AFTER_DONE_S = 1.0  # for the end of a stream that is complete, so that its connection can be used again
_CONNECT_S = 10.0
_HANDSHAKES = 5
_LONGEST_BODY = 1 << 26
_LONGEST_ERROR = 200  # letters
_STREAM, _JSON = "text/event-stream", "application/json"  # what answers come as


class RefusedError(Exception):
    """A status other than 200."""

    def __init__(self, status: int, problem: str, after_s: float | None) -> None:
        """after_s: what Retry-After says, None without it."""
        super().__init__(f"HTTP {status}: {problem}" if problem else f"HTTP {status}")
        self.status, self.after_s = status, after_s


class UnreadError(Exception):
    """Why a page was not read, without address and key."""


class _SilentError(Exception):
    """Nothing came of a try; the request may be sent again."""

    def __init__(self, problem: str, after_s: float | None = None) -> None:
        super().__init__(problem)
        self.after_s = after_s


class Endpoint:
    """A server with its pool of connections; `async with` opens and closes them."""

    def __init__(self, asking: Asking, clock: Clock) -> None:
        """Nothing is sent yet."""
        self.asking, self.clock, self.breaker = asking, clock, Breaker()
        headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {asking.key}"} if asking.key else {})
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(None, connect=_CONNECT_S),  # asyncio's is of the whole request
            transport=Connections(secure=asking.secure),
            trust_env=False,  # no proxy between the two, and no password out of a file
        )

    async def __aenter__(self) -> Endpoint:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self.aclose()

    async def aclose(self) -> None:
        """The same, without `async with`."""
        await self._client.aclose()

    async def ask(self, prompt: str, output_tokens: int) -> Seen:
        """Send a request and hear the answer out; whatever goes wrong is in what was seen, not raised."""
        content = json.dumps(self.asking.body(prompt, output_tokens)).encode()
        answer, seen = Answer(), Seen()
        try:
            async with asyncio.timeout(self.asking.timeout_s) as limit:
                while True:
                    seen = replace(seen, tries=seen.tries + 1)
                    try:
                        self._check_breaker()
                        seen = replace(seen, sent_us=self.clock.now_us())
                        await self._try(content, answer, limit)
                        return self._whole(seen, answer)
                    except _SilentError as silent:
                        if seen.tries > self.asking.retries:
                            raise
                        await asyncio.sleep(_pause_s(seen.tries, silent.after_s))
        except TimeoutError:
            if answer.complete:
                return self._whole(seen, answer)
            return self._broken(seen, answer, f"no whole answer in {self.asking.timeout_s:g} s", TIMEOUT)
        except asyncio.CancelledError:
            return self._broken(seen, answer, "interrupted")
        except (_SilentError, RefusedError, AnswerError, TooLongError, httpx.HTTPError, OSError) as error:
            return self._broken(seen, answer, self._said(error))

    async def round_trip_us(self) -> float:
        """The quickest of some handshakes: there and back, and nothing served; 0 if there is none to be had."""
        url, took_us = httpx.URL(self.asking.base), []
        port = url.port or (443 if url.scheme == "https" else 80)
        with suppress(OSError):
            for _ in range(_HANDSHAKES):
                began_us = self.clock.now_us()
                async with asyncio.timeout(_CONNECT_S):
                    _, writer = await asyncio.open_connection(url.host, port)
                took_us.append(self.clock.now_us() - began_us)
                writer.close()
        return min(took_us, default=0)

    async def metrics(self) -> str:
        """What the server says of itself now. Raises UnreadError."""
        try:
            async with (
                asyncio.timeout(_CONNECT_S),
                self._client.stream("GET", f"{self.asking.base}/metrics") as found,
            ):
                body = await _body(found)
                if found.status_code != httpx.codes.OK:
                    raise RefusedError(found.status_code, self._whereto(found), None)
                return body
        except (httpx.HTTPError, RefusedError, TooLongError, TimeoutError, OSError) as error:
            raise UnreadError(self._said(error)) from None

    async def _try(self, content: bytes, answer: Answer, limit: asyncio.Timeout) -> None:
        """Send it once. Raises _SilentError if it may be sent again."""
        url = self.asking.address
        post = self._client.build_request("POST", url, content=content, headers={"content-type": "application/json"})
        try:
            response = await self._client.send(post, stream=True)
        except (httpx.TransportError, OSError) as error:
            self.breaker.missed(self.clock.now_us())
            raise _SilentError(self._said(error)) from None
        self.breaker.reached()
        try:
            await self._hear(response, answer, limit)
        finally:
            await response.aclose()

    def _check_breaker(self) -> None:
        if not self.breaker.lets_through(self.clock.now_us()):
            raise _SilentError(f"not sent: {self.breaker.failures} requests in a row did not reach the server")

    async def _hear(self, response: httpx.Response, answer: Answer, limit: asyncio.Timeout) -> None:
        """Take what comes."""
        if response.status_code != httpx.codes.OK:
            problem = self._whereto(response) or problem_of(await _body(response))
            refused = RefusedError(response.status_code, problem, _retry_after(response))
            if response.status_code in _BUSY:
                raise _SilentError(str(refused), refused.after_s)
            raise refused
        try:
            await (self._hear_stream if self.asking.stream else self._hear_whole)(response, answer, limit)
        except (AnswerError, TooLongError, httpx.DecodingError) as error:
            raise AnswerError(f"{_form(response, _STREAM if self.asking.stream else _JSON)}{error}") from None

    async def _hear_whole(self, response: httpx.Response, answer: Answer, _: asyncio.Timeout) -> None:
        answer.take(await _body(response), self.clock.now_us())
        answer.done = True

    async def _hear_stream(self, response: httpx.Response, answer: Answer, limit: asyncio.Timeout) -> None:
        events = Events()
        async for data in response.aiter_raw():
            now_us, was_done = self.clock.now_us(), answer.done
            for event in events.feed(data):
                answer.take(event, now_us)
            if answer.done and not was_done:
                limit.reschedule(asyncio.get_running_loop().time() + _AFTER_DONE_S)
        for event in events.end():
            answer.take(event, self.clock.now_us())
        if not answer.complete:
            raise AnswerError("the stream ended before the answer did")

    def _whole(self, seen: Seen, answer: Answer) -> Seen:
        if not answer.texts:
            return self._broken(seen, answer, "an answer without text")
        return replace(self._heard(seen, answer), status=OK)

    def _broken(self, seen: Seen, answer: Answer, error: str, status: str = ERROR) -> Seen:
        return replace(self._heard(seen, answer), status=status, error=error)

    def _heard(self, seen: Seen, answer: Answer) -> Seen:
        """Tokens as the server counts them, else the tokenizer, else as many as chunks."""
        tokens = answer.output_tokens
        if tokens is None:
            count = self.asking.count
            text = "".join(answer.texts).encode(errors="replace").decode()  # JSON can spell halves of letters
            tokens = count(text) if count and text else len(answer.texts)
        return replace(
            seen,
            chunk_us=answer.chunk_us,
            input_tokens=answer.input_tokens,
            output_tokens=tokens,
            cached_tokens=answer.cached_tokens,
        )

    def _whereto(self, response: httpx.Response) -> str:
        """Where a redirect leads, "" if it is none; what may be secret of that is left out."""
        if response.next_request is None:
            return ""
        url, asked = response.next_request.url, response.request.url
        host = "(address)" if url.netloc == asked.netloc else url.netloc.decode()
        return f"it redirects to {url.scheme}://{host}{url.path}, which is not followed"

    def _said(self, error: Exception) -> str:
        """What an error says, in a line without address and key, not even a part of one at its end."""
        text = str(error) or type(error).__name__
        for secret, name in ((self.asking.key, "(key)"), (self.asking.base, "(address)")):
            text = text.replace(secret, name) if secret else text
        line = "".join(letter if letter.isprintable() else "?" for letter in one_line(text))  # as a file can hold it
        return line if len(line) <= _LONGEST_ERROR else line[:_LONGEST_ERROR] + "…"


async def _body(response: httpx.Response) -> str:
    """All of a body, however it is cut. Raises TooLongError."""
    parts, size = [], 0
    async for data in response.aiter_bytes():
        parts.append(data)
        size += len(data)
        if size > _LONGEST_BODY:
            raise TooLongError(f"an answer of more than {_LONGEST_BODY} bytes")
    return b"".join(parts).decode(errors="replace")


def _form(response: httpx.Response, wanted: str) -> str:
    """In which form an answer came, to be said before what is wrong with it; "" if it is the one that was wanted."""
    kind = response.headers.get("content-type", "")
    packed = response.headers.get("content-encoding", "identity")
    if kind.partition(";")[0].strip().lower() == wanted and packed == "identity":
        return ""
    named = f"content type {in_short(kind)}" if kind else "no content type"
    return f"it came with {named}{'' if packed == 'identity' else f', compressed by {in_short(packed)}'}: "


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds of Retry-After; None if there are none, or a date."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _pause_s(tries: int, after_s: float | None) -> float:
    """Before the next try: as long as the server says, else twice as long each time."""
    return min(_BACKOFF_S * 2.0 ** (tries - 1), _LONGEST_BACKOFF_S) if after_s is None else after_s
