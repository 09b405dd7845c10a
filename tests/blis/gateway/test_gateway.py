"""What a client of a gateway meets where nothing fails."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import httpx
import pytest

from blis.gateway.asked import Asked, read_asked
from blis.gateway.customers import Allowance
from blis.gateway.gateway import DRAINING
from blis.gateway.state import State, open_state
from blis.serve.senders import CLASS_HEADER, SESSION_HEADER, TENANT_HEADER
from tests.blis.gateway.backends import CHAT, COMPLETIONS
from tests.blis.gateway.small import ASK, ROUND_ROBIN, cluster, gateway, post, streamed, until

PREFIXES = {"routing": {"policy": "weighted", "scorers": [{"name": "prefix-affinity", "weight": 1.0}]}}
SESSIONS = {"routing": {"policy": "weighted", "scorers": [{"name": "session-affinity", "weight": 1.0}]}}
ONE_AT_A_TIME = {
    **ROUND_ROBIN,
    "flow_control": {"enabled": True, "detector": "concurrency", "max_concurrency": 1, "interval_us": 1000},
}


def test_answers_are_those_of_the_servers_whole_and_streaming():
    async def run() -> None:
        async with cluster(2) as (backends, made, client):
            whole = await post(client, max_tokens=3)
            assert whole.json()["usage"]["completion_tokens"] == 3
            assert whole.headers["content-type"] == "application/json"
            *events, end = await streamed(client, max_tokens=3)
            assert [event["choices"][0]["text"] for event in events] == [" w0", " w1", " w2", ""] and end == "[DONE]"
            assert [len(backend.asked) for backend in backends] == [1, 1] and made.in_flight == 0

    asyncio.run(run())


def test_a_request_is_sent_on_as_it_came_with_a_name():
    async def run() -> None:
        async with cluster(1) as ((backend,), _, client):
            body = {"messages": [{"role": "user", "content": "hi"}], "tools": [], "n": 2, "max_tokens": 2}
            headers = {"Authorization": "Bearer secret", "X-Request-Id": "mine"}
            assert (await client.post(CHAT, json=body, headers=headers)).status_code == 200
            (asked,) = backend.asked
            assert asked.body == body
            assert (asked.headers["authorization"], asked.headers["x-request-id"]) == ("Bearer secret", "mine")
            await post(client)
            assert len(backend.asked[-1].headers["x-request-id"]) == 32

    asyncio.run(run())


@pytest.mark.parametrize(
    ("content", "status"), [(b"{", 400), (b"[]", 400), (b'{"x": "' + b"y" * (17 << 20) + b'"}', 413)]
)
def test_what_is_no_request_goes_nowhere(content: bytes, status: int):
    async def run() -> None:
        async with cluster(1) as ((backend,), _, client):
            answer = await client.post(COMPLETIONS, content=content)
            assert answer.status_code == status and answer.json()["error"]["code"] == status
            assert not backend.asked

    asyncio.run(run())


def test_prompts_that_begin_alike_go_to_one_server():
    async def run() -> None:
        async with cluster(3, bundle=PREFIXES) as (backends, _, client):
            for number in range(9):
                await post(client, prompt=[number % 3] * 64 + [number])
            homes = {
                first: {
                    backend.port for backend in backends for asked in backend.asked if asked.body["prompt"][0] == first
                }
                for first in range(3)
            }
            assert all(len(ports) == 1 for ports in homes.values())

    asyncio.run(run())


def test_the_gateway_queue_holds_back_what_the_servers_have_no_room_for():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 0.1}, bundle=ONE_AT_A_TIME) as ((backend,), made, client):
            asking = [asyncio.create_task(post(client)) for _ in range(4)]
            most = 0
            while not all(task.done() for task in asking):
                most = max(most, backend.running)
                await asyncio.sleep(0.005)
            assert most == 1 and [task.result().status_code for task in asking] == [200] * 4
            assert made.in_flight == 0

    asyncio.run(run())


def test_an_admission_policy_that_says_no_is_a_429():
    async def run() -> None:
        bundle = {**ROUND_ROBIN, "admission": {"policy": "reject-all"}}
        async with cluster(1, bundle=bundle) as ((backend,), made, client):
            answer = await post(client)
            assert answer.status_code == 429 and answer.json()["error"]["type"] == "rate_limit_error"
            assert int(answer.headers["retry-after"]) >= 1 and not backend.asked and made.in_flight == 0

    asyncio.run(run())


def test_customers_have_limits_of_their_own():
    async def run() -> None:
        async with cluster(1, allowance=Allowance(requests_minute=2)) as (_, _, client):
            statuses = [(await post(client, {TENANT_HEADER: name})).status_code for name in "aabab"]
            assert statuses == [200, 200, 200, 429, 200]
            keys = [{"Authorization": f"Bearer {key}"} for key in "xxxy"]
            assert [(await post(client, key)).status_code for key in keys] == [200, 200, 429, 200]

    asyncio.run(run())


def test_an_unknown_class_is_said():
    async def run() -> None:
        async with cluster(1) as (_, made, client):
            answer = await post(client, {CLASS_HEADER: "urgent"})
            assert answer.status_code == 400 and "critical" in answer.json()["error"]["message"]
            assert made.in_flight == 0

    asyncio.run(run())


@pytest.mark.parametrize("how", [{"sticky": True}, {"bundle": SESSIONS}])
def test_a_session_stays_where_it_is_moves_when_that_is_gone_and_stays_there(how: dict[str, Any]):
    async def run() -> None:
        async with cluster(3, **how) as (backends, made, client):

            async def ask() -> int:
                before = [len(backend.asked) for backend in backends]
                assert (await post(client, {SESSION_HEADER: "s"})).status_code == 200
                after = [len(backend.asked) for backend in backends]
                return next(i for i in range(3) if after[i] > before[i] and backends[i].answered)

            home = await ask()
            for _ in range(5):
                await post(client)
                assert await ask() == home
            backends[home].down()
            moved = await ask()
            assert moved != home
            await until(lambda: made.backends[home].state == "offline")
            assert await ask() == moved
            await backends[home].up()
            await until(lambda: made.backends[home].state == "up")
            assert await ask() == moved

    asyncio.run(run())


@pytest.mark.parametrize("how", [{"sticky": True}, {"bundle": SESSIONS}])
def test_sessions_and_draining_outlast_a_restart(how: dict[str, Any]):
    async def run() -> None:
        state = State()
        async with cluster(3, state=state, **how) as (backends, first, client):
            await post(client)
            await post(client, {SESSION_HEADER: "s"})
            home = next(i for i in (2, 1, 0) if state.sessions.get("s").value == backends[i].url)
            first.drain(first.backends[(home + 1) % 3], True)
            urls = [backend.url for backend in backends]
            async with gateway(urls=urls, state=state, **how) as (second, again):
                assert second.backends[(home + 1) % 3].state == "draining"
                for _ in range(3):
                    before = backends[home].answered
                    await post(again, {SESSION_HEADER: "s"})
                    assert backends[home].answered == before + 1

    asyncio.run(run())


def test_a_gateway_that_drains_takes_nothing_new_and_ends_what_runs():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 0.3}) as (_, made, client):
            running = asyncio.create_task(post(client))
            await until(lambda: made.in_flight == 1)
            made.draining = True
            late = await post(client)
            assert late.status_code == 503 and late.headers["retry-after"] == "1"
            assert (await running).status_code == 200 and made.in_flight == 0

    asyncio.run(run())


def test_too_many_requests_are_shed_not_held():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 0.2}, limits={"requests": 8}) as (_, made, client):
            answers = await asyncio.gather(*(post(client) for _ in range(20)))
            statuses = [answer.status_code for answer in answers]
            assert statuses.count(200) >= 6 and set(statuses) == {200, 503} and made.in_flight == 0

    asyncio.run(run())


def test_the_registry_says_who_is_to_go():
    state = State()

    async def run() -> None:
        async with cluster(1, state=state) as (_, made, _):
            made.drain(made.backends[0], True)
            known = state.registry.get(made.backends[0].url)
            assert known and known.value == DRAINING

    asyncio.run(run())


def counted(page: str) -> dict[str, float]:
    """How many requests got each status."""
    return {code: float(count) for code, count in re.findall(r'requests_total{code="(\d+)"} (\S+)', page)}


def test_whoever_is_refused_counts_too():
    async def run() -> None:
        async with cluster(1, allowance=Allowance(requests_minute=1)) as (_, made, client):
            for body in (b"[", b"{}", b"{}"):
                await client.post(COMPLETIONS, content=body)
            made.draining = True
            await client.post(COMPLETIONS, content=b"{}")
            assert counted((await client.get("/metrics")).text) == {"400": 1, "200": 1, "429": 1, "503": 1}
            assert (await client.get("/api/cluster/status")).json()["requests"] == 4

    asyncio.run(run())


def test_an_error_that_nobody_expected_is_no_client_that_has_gone(monkeypatch):
    async def run() -> None:
        async with cluster(1) as (_, made, client):
            monkeypatch.setattr(made.forwarder, "open", lambda *_: 1 / 0)
            assert (await post(client)).status_code == 500
            assert counted((await client.get("/metrics")).text) == {"500": 1} and made.in_flight == 0

    asyncio.run(run())


def test_draining_is_remembered_by_a_database(tmp_path):
    async def run() -> None:
        uri = f"sqlite:///{tmp_path / 'state.db'}"
        before = open_state(uri)
        before.start()
        before.registry.put("http://127.0.0.1:1", DRAINING)
        before.close()
        async with gateway(urls=["http://127.0.0.1:1", "http://127.0.0.1:2"], state=open_state(uri)) as (made, _):
            assert [backend.draining for backend in made.backends] == [True, False]

    asyncio.run(run())


def test_others_are_served_while_a_large_prompt_is_read(monkeypatch):
    served = threading.Event()

    def patient(where: str, raw: bytes, *more: Any) -> Asked:
        assert len(raw) < 2**18 or served.wait(10)
        return read_asked(where, raw, *more)

    monkeypatch.setattr("blis.gateway.gateway.read_asked", patient)

    async def run() -> None:
        async with cluster(1) as (_, _, client):
            large = asyncio.create_task(post(client, prompt="a " * 2**18))
            await asyncio.sleep(0.1)
            assert (await post(client)).status_code == 200
            served.set()
            assert (await large).status_code != 500

    asyncio.run(run())


def test_whoever_is_here_when_it_ends_is_told_so():
    async def run() -> None:
        said: list[str] = []
        async with cluster(2, {"itl_s": 0.1, "tokens": 300}, said=said) as (backends, made, client):
            both = [
                asyncio.create_task(streamed(client, max_tokens=300)),
                asyncio.create_task(post(client, max_tokens=300)),
            ]
            await until(lambda: sum(backend.running for backend in backends) == 2)
            await asyncio.sleep(0.3)
            made.draining = True
            made.abandon()
            (*_, error, done), whole = await asyncio.gather(*both)
            assert "shutting down" in error["error"]["message"] and done == "[DONE]"
            assert whole.status_code == 502 and "shutting down" in whole.json()["error"]["message"]
            assert made.in_flight == 0 and sum(len(backend.asked) for backend in backends) == 2
            await asyncio.sleep(0.3)
            assert not any("offline" in line for line in said)

    asyncio.run(run())


def test_whoever_has_gone_makes_room_for_the_next():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 0.2}, allowance=Allowance(at_a_time=1)) as (_, made, client):
            assert [(await post(client)).status_code for _ in range(2)] == [200, 200]
            with pytest.raises(httpx.ReadTimeout):
                await client.post(COMPLETIONS, json=ASK, timeout=0.05)
            await until(lambda: made.in_flight == 0)
            both = await asyncio.gather(post(client), post(client))
            assert sorted(answer.status_code for answer in both) == [200, 429]

    asyncio.run(run())
