"""Clients that go away before they have their answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

T = TypeVar("T")


class GoneError(Exception):
    """The client does not wait for its answer."""


async def unless_gone(request: Request, doing: Coroutine[Any, Any, T]) -> T:
    """What it comes to. Raises GoneError, and cancels it, if the client goes away before."""
    gone = asyncio.create_task(_disconnected(request))
    done = asyncio.create_task(doing)
    try:
        await asyncio.wait({gone, done}, return_when=asyncio.FIRST_COMPLETED)
        if not done.done():
            raise GoneError
        return done.result()
    finally:
        gone.cancel()
        if done.cancel():
            await asyncio.wait({done})
            _ = done.cancelled() or done.exception()  # of somebody who has gone nobody needs to know


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
