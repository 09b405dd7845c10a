"""Several servers that share the requests."""

from __future__ import annotations

import asyncio

import pytest

from blis.observe import endpoint
from blis.observe.asking import Asking
from blis.observe.breaker import FAILURES
from blis.observe.endpoint import UnreadError
from blis.observe.endpoints import Endpoints
from blis.observe.scrape import reading
from blis.observe.seen import Clock, Seen
from tests.blis.observe.server import answers, served
from tests.blis.observe.test_endpoint import closed_port


def asked(*urls: str, times: int) -> list[Seen]:
    async def run() -> list[Seen]:
        async with Endpoints([Asking(url, "m", retries=0) for url in urls], Clock()) as endpoints:
            return [await endpoints.ask("one two", 2) for _ in range(times)]

    return asyncio.run(run())


def test_each_has_its_turn():
    with served(answers()) as one, served(answers()) as other:
        found = asked(one.url, other.url, one.url, times=7)
    assert [seen.endpoint for seen in found] == [0, 1, 2, 0, 1, 2, 0]
    assert (len(one.asked), len(other.asked)) == (5, 2)


def test_who_cannot_be_reached_is_left_out_after_some_tries_and_others_go_on():
    with served(answers()) as server:
        found = asked(f"http://127.0.0.1:{closed_port()}", server.url, times=2 * FAILURES + 6)
    assert [seen.endpoint for seen in found] == [0, 1] * FAILURES + [1] * 6
    assert [seen.ok for seen in found] == [bool(seen.endpoint) for seen in found]


def test_where_nobody_can_be_reached_it_is_said():
    found = asked(*(f"http://127.0.0.1:{closed_port()}" for _ in range(2)), times=2 * FAILURES + 2)
    assert {seen.error for seen in found[2 * FAILURES :]} == {"not sent: 5 requests in a row did not reach the server"}


def test_what_they_say_of_themselves_is_taken_together(monkeypatch):
    monkeypatch.setattr(endpoint, "_CONNECT_S", 1)

    async def page(*urls: str) -> str:
        async with Endpoints([Asking(url, "m") for url in urls], Clock()) as endpoints:
            return await endpoints.metrics()

    with served(answers()) as one, served(answers()) as other:
        found = reading(asyncio.run(page(one.url, other.url)))
        assert (found.running, found.waiting, found.kv_share, found.engines) == (8, 4, 0.5, 4)
        gone = f"http://127.0.0.1:{closed_port()}"
        with pytest.raises(UnreadError) as unread:
            asyncio.run(page(one.url, gone))
        assert gone not in str(unread.value)


def test_the_way_to_them_is_the_mean():
    async def measured(*urls: str) -> float:
        async with Endpoints([Asking(url, "m") for url in urls], Clock()) as endpoints:
            return await endpoints.round_trip_us()

    with served(answers()) as server:
        assert asyncio.run(measured(server.url, server.url)) > 0
        assert asyncio.run(measured(server.url, f"http://127.0.0.1:{closed_port()}")) == 0
