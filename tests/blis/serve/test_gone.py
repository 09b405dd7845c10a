from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from blis.serve.gone import GoneError, unless_gone


def asking(gone_s: float) -> Request:
    async def receive():
        await asyncio.sleep(gone_s)
        return {"type": "http.disconnect"}

    return Request({"type": "http"}, receive)


def test_what_it_comes_to():
    async def doing() -> int:
        await asyncio.sleep(0.01)
        return 7

    assert asyncio.run(unless_gone(asking(10), doing())) == 7


def test_its_error_is_that_of_the_work():
    async def doing() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(unless_gone(asking(10), doing()))


def test_who_goes_away_ends_the_work_before_anything_else_happens():
    steps: list[str] = []

    async def doing() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            await asyncio.sleep(0.01)
            steps.append("cleaned up")

    async def run() -> None:
        with pytest.raises(GoneError):
            await unless_gone(asking(0.02), doing())
        steps.append("gone")

    asyncio.run(run())
    assert steps == ["cleaned up", "gone"]
