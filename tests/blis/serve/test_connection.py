from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from blis.serve.connection import Connection

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"


async def late(scope, receive, send):
    """Answers after a while, without reading a body."""
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def client() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Of a server that is as patient as 0.2 s."""
    config = uvicorn.Config(late, timeout_keep_alive=0.2, ws="none", log_level="critical")  # type: ignore[arg-type]
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


async def drip(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send it byte by byte, again and again."""
    while True:
        for byte in data:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nX: ", HEAD])
def test_a_request_that_only_drips_is_not_waited_for(begin: bytes):
    async def run() -> None:
        async with client() as (reader, writer):
            writer.write(begin)
            dripping = asyncio.create_task(drip(writer, b"x")) if begin else None
            await asyncio.wait_for(reader.read(), 10)  # to its end
            if dripping:
                dripping.cancel()

    asyncio.run(run())


def test_an_answer_may_take_longer():
    async def run() -> None:
        async with client() as (reader, writer):
            for _ in range(2):
                writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                assert await asyncio.wait_for(reader.readuntil(b"ok"), 10)

    asyncio.run(run())
