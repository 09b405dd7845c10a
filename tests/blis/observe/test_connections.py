"""Connections are used again, and never by two at once."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from blis.observe.connections import Connections
from tests.blis.observe.server import Asked, Server, served


async def together(client: httpx.AsyncClient, url: str, times: int) -> None:
    await asyncio.gather(*(client.post(url, json={}) for _ in range(times)))


def connections(server: Server) -> int:
    return len({id(asked.writer) for asked in server.asked})


def test_as_many_as_are_in_use_at_once():
    async def when_three_are_there(asked: Asked) -> None:
        while len(server.asked) % 3:
            await asyncio.sleep(0.01)
        await asked.whole({})

    async def run() -> None:
        async with httpx.AsyncClient(transport=Connections(secure=False), timeout=30) as client:
            for _ in range(4):
                await together(client, server.url, 3)

    with served(when_three_are_there) as server:
        asyncio.run(run())
    assert len(server.asked) == 12 and connections(server) == 3


@pytest.mark.parametrize("broken", ["hung up", "not read"])
def test_one_that_broke_is_opened_anew(broken):
    async def behave(asked: Asked) -> None:
        if len(server.asked) == 1 and broken == "hung up":
            asked.hang_up()
            return
        asked.head()
        await asked.send("x" * 100)
        await asked.end()

    async def run() -> None:
        async with httpx.AsyncClient(transport=Connections(secure=False), timeout=30) as client:
            if broken == "hung up":
                with pytest.raises(httpx.TransportError):
                    await client.post(server.url)
            else:
                async with client.stream("POST", server.url):
                    pass
            for _ in range(3):
                assert (await client.post(server.url)).text == "x" * 100

    with served(behave) as server:
        asyncio.run(run())
    assert len(server.asked) == 4 and connections(server) <= 2


def test_https_is_not_spoken_with_a_server_that_does_not():
    async def behave(asked: Asked) -> None:
        await asked.whole({})

    async def run() -> None:
        async with httpx.AsyncClient(transport=Connections(secure=True), timeout=0.5) as client:
            await client.post(server.url.replace("http", "https"))

    with served(behave) as server, pytest.raises(httpx.ConnectTimeout):
        asyncio.run(run())
    assert server.asked == []
