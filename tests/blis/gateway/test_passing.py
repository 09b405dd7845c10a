from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from blis.gateway.passing import Passing


async def stream() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


def passed(fails: bool) -> tuple[bytes, list[str]]:
    """What a client got, and what was called at the end."""
    got, ended = [], []

    async def send(message):
        if fails:
            raise OSError("gone")
        got.append(message.get("body", b""))

    async def receive():
        await asyncio.sleep(10)

    async def run() -> None:
        passing = Passing(stream(), {"content-type": "text/event-stream"}, lambda: ended.append("end"), 10.0)
        await passing({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    if fails:
        with pytest.raises(BaseException):  # noqa: B017 - an exception group or the client's leaving, by version
            asyncio.run(run())
    else:
        asyncio.run(run())
    return b"".join(got), ended


def test_all_of_it_and_then_the_end():
    assert passed(fails=False) == (b"ab", ["end"])


def test_a_client_who_is_gone_before_the_first_byte_ends_it_too():
    assert passed(fails=True) == (b"", ["end"])


def test_a_client_who_takes_nothing_is_not_waited_for():
    ended = []

    async def never(*_: object) -> None:
        await asyncio.Future()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"a"

    async def run() -> None:
        passing = Passing(endless(), {}, lambda: ended.append("end"), 0.05)
        await asyncio.wait_for(passing({"type": "http", "asgi": {"spec_version": "2.3"}}, never, never), 10)

    asyncio.run(run())
    assert ended == ["end"]
