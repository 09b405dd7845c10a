"""One request to one server: an answer, or why there is none."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from blis.gateway.asked import Asked, read_asked
from blis.gateway.backends import Backend as Server
from blis.gateway.forward import FailedError, Forwarder, Opened, Timeouts, sent_on
from blis.serve.words import Words
from tests.blis.gateway.backends import COMPLETIONS, Backend


def asked(**body: Any) -> Asked:
    import json

    body = {"prompt": "x", "max_tokens": 3, **body}
    return read_asked(COMPLETIONS, json.dumps(body).encode(), body, Words())


async def opened(backend: Backend, silence_s: float = 1.5, **body: Any) -> Opened:
    forwarder = Forwarder(Timeouts(5.0, silence_s))
    try:
        answer = await forwarder.open(Server(0, backend.url), asked(**body), {})
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
                answer = await forwarder.open(Server(0, backend.url), asked(stream=stream), {})
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
