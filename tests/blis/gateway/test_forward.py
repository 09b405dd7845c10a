"""One request to one server: an answer, or why there is none."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from typing import Any

import pytest

from blis.gateway.asked import Asked, read_asked
from blis.gateway.backends import Backend as Server
from blis.gateway.forward import FailedError, Forwarder, Opened, Timeouts, sent_on
from blis.observe.breaker import Breaker
from blis.serve.words import Words
from tests.blis.gateway.backends import COMPLETIONS, Backend


def asked(**body: Any) -> Asked:
    import json

    body = {"prompt": "x", "max_tokens": 3, **body}
    return read_asked(COMPLETIONS, json.dumps(body).encode(), body, Words())


async def opened(backend: Backend, silence_s: float = 1.5, target: str = COMPLETIONS, **body: Any) -> Opened:
    forwarder = Forwarder(Timeouts(5.0, silence_s))
    try:
        answer = await forwarder.open(
            Server(0, backend.url, Breaker(), up=True), replace(asked(**body), target=target), {}
        )
        if answer.rest:
            answer.body += b"".join([data async for data in answer.rest])
        return answer
    finally:
        await forwarder.close()


@pytest.mark.parametrize(
    ("fault", "status", "why"),
    [
        ("hang-up", 502, "hung up"),
        ("silent", 504, "too long"),
        ("500", 500, "500"),
        ("503", 503, "503"),
        ("malformed", 502, "JSON"),
        ("cut", 502, "hung up"),
    ],
)
def test_why_there_is_no_answer(fault: str, status: int, why: str):
    async def run() -> None:
        async with Backend(fault=fault) as backend:
            with pytest.raises(FailedError, match=why) as found:
                await opened(backend)
            assert found.value.status == status
            assert (found.value.answer is not None) == (fault in ("500", "503"))

    asyncio.run(run())


@pytest.mark.parametrize(("fault", "why"), [("cut", "hung up"), ("malformed", "no JSON"), ("silent", "too long")])
def test_why_a_stream_is_not_whole(fault: str, why: str):
    async def run() -> None:
        async with Backend(fault=fault, itl_s=0.02) as backend:
            with pytest.raises(FailedError, match=why):
                await opened(backend, stream=True)

    asyncio.run(run())


def said(head: str, body: bytes = b"", version: str = "1.1") -> bytes:
    return f"HTTP/{version} {head}\r\n\r\n".encode() + body


EVENTS, JSON = "200 OK\r\nContent-Type: text/event-stream", "200 OK\r\nContent-Type: application/json"
PAGE = "200 OK\r\nContent-Type: text/html\r\nContent-Length: 9"


@pytest.mark.parametrize(
    ("says", "stream", "why"),
    [
        (said(PAGE, b"<p>hi</p>"), False, "no JSON"),
        (said(PAGE, b"<p>hi</p>"), True, "no JSON"),
        (said("204 No Content"), False, "no JSON"),
        (said("200 OK", b'{"a":', "1.0"), False, "no JSON"),
        (said(JSON, b"[" * 100_000), False, "no JSON"),
        (said(JSON, b"\xff"), False, "no JSON"),
        (said("302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0"), False, "302"),
        (said("520 Strange\r\nContent-Length: 0"), False, "520"),
        (said("200 OK", b'data: {"a": 1}\n\ndata: [DONE]\n\n'), True, "no JSON"),
        (said(JSON + "\r\nContent-Length: 10"), False, "hung up"),
        (said(EVENTS, b'data: {"a": "[DONE]"}\n\n'), True, "before its end"),
    ],
)
def test_what_is_no_answer_to_a_completion(says: bytes, stream: bool, why: str):
    async def run() -> None:
        async with Backend(says=says) as backend:
            with pytest.raises(FailedError, match=why):
                await opened(backend, stream=stream)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("says", "body"),
    [
        (said(JSON, b"{}"), b"{}"),
        (said(JSON, b"{}", "1.0"), b"{}"),
        (said("400 Bad\r\nContent-Length: 5", b"wrong"), b"wrong"),
        (said(JSON + "\r\nContent-Encoding: gzip", gzip.compress(b"{}")), b"{}"),
        (said(EVENTS, b'data: {"a":\r\ndata: 1}\r\n\r\ndata: [DONE]\r\n\r\n'), None),
        (said(EVENTS, b": alive\n\n" * 9 + b"data: [DONE]\n\n"), None),
    ],
)
def test_what_is_an_answer_to_a_completion(says: bytes, body: bytes | None):
    async def run() -> None:
        async with Backend(says=says) as backend:
            found = await opened(backend)
            assert found.body == (says.partition(b"\r\n\r\n")[2] if body is None else body)

    asyncio.run(run())


@pytest.mark.parametrize("says", [said(PAGE, b"<p>hi</p>"), said(EVENTS, b'event: x\ndata: {"a": 1}\n\n')])
def test_other_answers_may_be_anything_and_need_not_say_their_end(says: bytes):
    async def run() -> None:
        async with Backend(says=says) as backend:
            assert (await opened(backend, target="/v1/responses")).body == says.partition(b"\r\n\r\n")[2]

    asyncio.run(run())


def test_a_target_is_sent_as_it_came_and_nothing_compressed_is_asked_for():
    async def run() -> None:
        async with Backend(says=said(JSON, b"{}")) as backend:
            await opened(backend, target="/v1/a%2Fb//c%3f?x=%20&y")
            assert backend.asked[0].path == "/v1/a%2Fb//c%3f?x=%20&y"
            assert "accept-encoding" not in backend.asked[0].headers

    asyncio.run(run())


def test_a_server_that_is_not_there():
    async def run() -> None:
        async with Backend() as backend:
            backend.down()
            with pytest.raises(FailedError, match="no connection") as found:
                await opened(backend)
            assert found.value.status == 503

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_all_that_the_server_says_and_its_connection_is_used_again(stream: bool):
    async def run() -> None:
        async with Backend() as backend:
            forwarder = Forwarder(Timeouts())
            for _ in range(3):
                answer = await forwarder.open(Server(0, backend.url, Breaker(), up=True), asked(stream=stream), {})
                body = answer.body + b"".join([data async for data in answer.rest or _nothing()])
                assert answer.status == 200 and (b"[DONE]" in body) == stream and body.count(b"w2") == 1
            assert len(backend.connections) == 1 and backend.answered == 3
            await forwarder.close()

    asyncio.run(run())


async def _nothing():
    return
    yield


def test_an_overloaded_server_is_well():
    assert not FailedError("x", 429, Opened(429, {}, b"")).broken
    assert FailedError("x", 503, Opened(503, {}, b"")).broken and FailedError("x").broken


def test_headers_of_a_connection_are_not_sent_on():
    headers = {"host": "h", "connection": "close", "accept-encoding": "gzip", "x-mine": "1", "authorization": "k"}
    assert sent_on(headers) == {"x-mine": "1", "authorization": "k"}


@pytest.mark.parametrize(("came", "sent"), [(b"caf\xc3\xa9", "café"), (b"caf\xe9", "café"), (b"plain", "plain")])
def test_what_no_ascii_is_in_a_header_stays_what_it_was(came: bytes, sent: str):
    assert sent_on({"x-mine": came.decode("latin-1")}) == {"x-mine": sent}
