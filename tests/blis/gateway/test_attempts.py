"""Servers that fail: nobody who can be answered elsewhere goes without, and whoever cannot is told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from blis.config import Breaker, Retries
from blis.gateway.forward import Timeouts
from blis.gateway.scenario import AGAIN
from tests.blis.gateway.backends import COMPLETIONS
from tests.blis.gateway.small import cluster, gateway, post, streamed, until

#: Faults before the first byte of an answer.
EARLY = ("hang-up", "500", "503", "malformed", "cut")


@pytest.mark.parametrize("fault", EARLY)
def test_a_whole_answer_comes_from_elsewhere_if_a_server_fails(fault: str):
    async def run() -> None:
        async with cluster(2) as ((bad, good), made, client):
            bad.fault = fault
            answers = [await post(client) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [200] * 4
            assert all(answer.json()["usage"]["completion_tokens"] == 4 for answer in answers)
            assert good.answered == 4 and made.metrics.retried == len(bad.asked) > 0
            assert made.in_flight == 0

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["hang-up", "500", "503"])
def test_a_stream_that_has_not_begun_comes_from_elsewhere(fault: str):
    async def run() -> None:
        async with cluster(2) as ((bad, _), _, client):
            bad.fault = fault
            for _ in range(2):
                *events, end = await streamed(client)
                assert end == "[DONE]" and not any("error" in event for event in events)

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["cut", "malformed"])
def test_a_stream_that_breaks_off_ends_with_an_error(fault: str):
    async def run() -> None:
        async with cluster(1, {"itl_s": 0.05}) as ((backend,), made, client):
            backend.fault = fault
            *events, error, end = await streamed(client, max_tokens=9)
            assert [event["choices"][0]["text"] for event in events] == [" w0", " w1"]
            assert error["error"]["code"] == 502 and "before the end" in error["error"]["message"]
            assert end == "[DONE]" and made.metrics.streams_cut == 1 and made.in_flight == 0

    asyncio.run(run())


def test_what_every_server_says_is_passed_on():
    async def run() -> None:
        async with cluster(2) as (backends, made, client):
            for backend in backends:
                backend.fault = "503"
            answer = await post(client)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
            assert answer.json()["error"]["message"] == "on command"
            assert [len(backend.asked) for backend in backends] == [1, 1] and made.in_flight == 0

    asyncio.run(run())


def test_a_server_that_is_not_there_is_told_of_if_nobody_else_is():
    async def run() -> None:
        async with cluster(1) as ((backend,), _, client):
            backend.down()
            answer = await post(client)
            assert answer.status_code == 503 and "no server" in answer.json()["error"]["message"]
            assert int(answer.headers["retry-after"]) >= 1

    asyncio.run(run())


def test_no_more_retries_than_allowed():
    async def run() -> None:
        async with cluster(4, retries=Retries(limit=1, backoff_us=0)) as (backends, _, client):
            for backend in backends:
                backend.fault = "500"
            assert (await post(client)).status_code == 500
            assert sum(len(backend.asked) for backend in backends) == 2

    asyncio.run(run())


def test_without_a_budget_nothing_is_tried_again():
    async def run() -> None:
        async with cluster(2, retries=replace(AGAIN, budget=0.0, saved=0.0)) as ((bad, _), made, client):
            bad.fault = "hang-up"
            statuses = sorted([(await post(client)).status_code for _ in range(2)])
            assert statuses == [200, 502] and made.metrics.retried == 0

    asyncio.run(run())


def test_a_server_that_fails_again_and_again_is_let_be_and_then_tried():
    async def run() -> None:
        async with cluster(2) as ((bad, _), made, client):
            bad.fault = "500"
            for _ in range(20):
                assert (await post(client)).status_code == 200
            assert len(bad.asked) <= 6 and made.backends[0].state == "failing"
            bad.fault = ""
            await until(lambda: made.desk.plane.allowed(0))
            for _ in range(4):
                await post(client)
            assert made.backends[0].state == "up" and bad.answered >= 2

    asyncio.run(run())


def test_the_policy_says_when_a_server_is_let_be():
    async def run() -> None:
        rules = {"breaker": Breaker(2, 60_000_000), "retries": Retries(limit=1, backoff_us=0)}
        async with cluster(2, **rules) as ((bad, _), made, client):
            bad.fault = "500"
            for _ in range(10):
                assert (await post(client)).status_code == 200
            assert len(bad.asked) == 2 and made.backends[0].state == "failing"
        async with cluster(2, breaker=Breaker(0)) as ((bad, _), made, client):
            bad.fault = "500"
            for _ in range(20):
                assert (await post(client)).status_code == 200
            assert len(bad.asked) >= 10 and made.backends[0].state == "up"

    asyncio.run(run())


def test_a_retry_waits_as_long_as_the_policy_says_and_the_next_one_twice_as_long():
    async def run() -> None:
        async with cluster(3, retries=Retries(limit=2, backoff_us=100_000)) as (backends, made, client):
            for backend in backends:
                backend.fault = "500"
            began_s = made.desk.clock()
            assert (await post(client)).status_code == 500
            assert made.desk.clock() - began_s >= 0.3 and made.metrics.retried == 2

    asyncio.run(run())


def test_a_request_that_is_wrong_is_not_tried_again():
    async def run() -> None:
        async with cluster(2) as (_, made, client):
            answer = await client.post("/v1/embeddings", json={"input": "x"})  # 404 there
            assert answer.status_code == 404 and made.metrics.retried == 0
            assert all(backend.state == "up" for backend in made.backends)

    asyncio.run(run())


def test_one_of_four_is_killed_under_load_and_no_whole_answer_is_lost():
    async def run() -> None:
        parts: dict[str, Any] = {"ttft_s": 0.05, "itl_s": 0.01}
        async with cluster(4, parts) as (backends, made, client):
            statuses: list[int] = []
            ends: list[Any] = []

            async def ask(number: int) -> None:
                for _ in range(8):
                    if number % 2:
                        statuses.append((await post(client, max_tokens=10)).status_code)
                    else:
                        ends.append(await streamed(client, max_tokens=10))

            asking = [asyncio.create_task(ask(number)) for number in range(24)]
            await asyncio.sleep(0.4)
            backends[1].down()
            await asyncio.gather(*asking)
            assert statuses == [200] * 96
            assert all(events[-1] == "[DONE]" for events in ends)
            cut = sum("error" in event for events in ends for event in events[:-1])
            assert cut == made.metrics.streams_cut
            assert made.in_flight == 0

    asyncio.run(run())


def test_a_server_that_is_silent_is_offline_soon_and_its_requests_are_answered_elsewhere():
    async def run() -> None:
        said: list[str] = []
        async with cluster(2, said=said) as ((bad, good), made, client):
            bad.fault = "half-open"
            answers = await asyncio.gather(*(post(client) for _ in range(4)))
            assert [answer.status_code for answer in answers] == [200] * 4
            assert made.backends[0].state == "offline" and good.answered == 4
            bad.fault = ""
            await until(lambda: made.backends[0].state == "up")
            await until(lambda: said[-1].endswith("is up"))
            assert any("is offline" in line for line in said)

    asyncio.run(run())


def test_a_stream_from_a_server_that_falls_silent_ends_with_an_error():
    async def run() -> None:
        async with cluster(1, {"itl_s": 0.3}) as ((backend,), made, client):
            asking = asyncio.create_task(streamed(client, max_tokens=30))
            await until(lambda: backend.running)
            await asyncio.sleep(0.4)
            backend.itl_s, backend.fault = 1000.0, "half-open"
            *_, error, end = await asking
            assert error["error"]["code"] == 502 and end == "[DONE]"
            assert made.in_flight == 0

    asyncio.run(run())


def test_a_name_that_nobody_knows():
    async def run() -> None:
        said: list[str] = []
        async with (
            cluster(1) as ((good,), _, _),
            gateway(urls=["http://nobody.invalid:1", good.url], said=said) as (
                made,
                client,
            ),
        ):
            assert (await post(client)).status_code == 200
            assert [backend.state for backend in made.backends] == ["offline", "up"]
            assert "no connection" in made.backends[0].why

    asyncio.run(run())


def test_a_client_that_goes_away_is_given_up_at_the_server_too():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 5.0}) as ((backend,), made, client):
            asking = asyncio.create_task(post(client))
            await until(lambda: backend.running)
            asking.cancel()
            await until(lambda: backend.given_up == 1)
            await until(lambda: made.in_flight == 0)

    asyncio.run(run())


def test_what_a_client_does_wrong_is_no_failure_of_a_server():
    async def run() -> None:
        async with cluster(1) as ((backend,), made, client):
            for _ in range(6):
                answer = await post(client, {"x-mine": b"a\x01b"})
                assert answer.status_code == 400 and "x-mine" in answer.json()["error"]["message"]
            assert made.backends[0].state == "up" and made.backends[0].failed == 0 and not backend.asked
            assert (await post(client)).status_code == 200

    asyncio.run(run())


@pytest.mark.parametrize("stream", [False, True])
def test_what_its_client_gave_up_counts_as_given_up(stream: bool):
    async def run() -> None:
        async with cluster(1, {"itl_s": 0.1, "tokens": 100}) as ((backend,), made, client):
            body = {"prompt": "x", "stream": stream}
            async with client.stream("POST", COMPLETIONS, json=body) if stream else _left(client, body):
                pass
            await until(lambda: backend.given_up == 1)
            await until(lambda: 'outcome="given up"} 1.0' in made.metrics.page().decode())
            assert made.in_flight == 0

    asyncio.run(run())


@asynccontextmanager
async def _left(client, body):
    """A client that does not wait."""
    with pytest.raises(httpx.ReadTimeout):
        await client.post(COMPLETIONS, json=body, timeout=0.3)
    yield


def test_a_client_who_takes_nothing_is_given_up_at_the_server_too():
    async def run() -> None:
        timeouts = Timeouts(1.0, 0.3)
        async with cluster(1, {"itl_s": 1e-5, "tokens": 10**6}, timeouts=timeouts) as ((backend,), made, client):
            _, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port, limit=1)
            body = b'{"prompt": "x", "stream": true}'
            head = f"POST {COMPLETIONS} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await until(lambda: backend.given_up == 1, 60)
            assert made.in_flight == 0 and 'outcome="given up"} 1.0' in made.metrics.page().decode()
            writer.close()

    asyncio.run(run())


def test_a_server_that_has_too_much_to_do_is_not_let_be():
    async def run() -> None:
        busy = b"HTTP/1.1 429 Busy\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\n{}"
        async with cluster(1, {"says": busy}) as (_, made, client):
            for _ in range(6):
                answer = await post(client)
                assert (answer.status_code, answer.headers["retry-after"]) == (429, "9")
            assert made.backends[0].state == "up"

    asyncio.run(run())
