from __future__ import annotations

import asyncio

import pytest

from blis.gateway.app import make_gateway_app
from blis.gateway.gateway import Gateway, Rules
from blis.gateway.state import State
from blis.serve.words import Words
from tests.blis.gateway.small import cluster, plane, post, until


def test_models_are_those_of_a_server_that_is_up():
    async def run() -> None:
        async with cluster(2) as ((first, _), made, client):
            assert (await client.get("/v1/models")).json()["data"][0]["id"] == "m"
            first.down()
            await until(lambda: made.backends[0].state == "offline")
            assert (await client.get("/v1/models")).json()["data"][0]["id"] == "m"

    asyncio.run(run())


def test_whoever_asks_for_models_is_known_to_the_server_and_one_that_cannot_say_is_passed_over():
    async def run() -> None:
        async with cluster(2) as ((first, second), _, client):
            first.models = None
            answer = await client.get("/v1/models?all=1", headers={"authorization": "Bearer k"})
            assert answer.json()["data"][0]["id"] == "m"
            assert second.looked_up["/v1/models?all=1"]["authorization"] == "Bearer k"

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/v1/../metrics", "/v1/%2e%2e/metrics", "/v1/a/%2E%2e/b", "/v1/./completions"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_path_leads_to_what_is_not_for_clients(path: str, method: str):
    async def run() -> None:
        async with cluster(1) as ((backend,), _, client):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            where = path.replace("/v1/", "/v1/models/", 1) if method == "GET" else path
            writer.write(f"{method} {where} HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            assert b" 404 " in await reader.readline()
            writer.close()
            assert not backend.asked

    asyncio.run(run())


def test_it_is_healthy_while_somebody_is_up():
    async def run() -> None:
        async with cluster(1) as ((backend,), made, client):
            assert (await client.get("/health")).status_code == 200
            backend.down()
            await until(lambda: made.backends[0].state == "offline")
            assert (await client.get("/health")).status_code == 503
            answer = await post(client)
            assert answer.status_code == 503 and "no server is up" in answer.json()["error"]["message"]
            assert (await client.get("/v1/models")).status_code == 503

    asyncio.run(run())


def test_a_server_is_drained_and_comes_back():
    async def run() -> None:
        async with cluster(2) as ((first, second), made, client):
            answer = await client.post("/api/cluster/drain", params={"backend": first.url})
            assert [backend["state"] for backend in answer.json()] == ["draining", "up"]
            for _ in range(4):
                await post(client)
            assert (len(first.asked), len(second.asked)) == (0, 4)
            await client.post("/api/cluster/resume", params={"backend": first.url})
            for _ in range(2):
                await post(client)
            assert len(first.asked) == 1 and made.backends[0].state == "up"

    asyncio.run(run())


def test_no_page_in_a_browser_drains():
    async def run() -> None:
        async with cluster(1) as ((backend,), made, client):
            where, who = {"backend": backend.url}, {"origin": "http://elsewhere"}
            assert (await client.post("/api/cluster/drain", params=where, headers=who)).status_code == 403
            assert made.backends[0].state == "up"

    asyncio.run(run())


def test_who_is_to_be_drained_has_to_be_there():
    async def run() -> None:
        async with cluster(1) as ((backend,), _, client):
            answer = await client.post("/api/cluster/drain", params={"backend": "http://other"})
            assert answer.status_code == 404 and backend.url in answer.json()["error"]["message"]
            assert (await client.get("/api/cluster/drain")).status_code == 405

    asyncio.run(run())


def test_only_this_machine_drains():
    made = Gateway(plane(1), ["http://127.0.0.1:1"], Rules(), State(), Words(), lambda _: None)
    sent = []

    async def run() -> None:
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/api/cluster/drain",
            "query_string": b"backend=http://127.0.0.1:1",
            "headers": [],
            "client": ("192.0.2.1", 5),
        }

        async def send(message):
            sent.append(message)

        await make_gateway_app(made, "p")(scope, None, send)

    asyncio.run(run())
    assert sent[0]["status"] == 403 and made.backends[0].state == "offline" and not made.backends[0].draining


def test_the_page_is_there():
    async def run() -> None:
        async with cluster(1) as (_, _, client):
            page = await client.get("/")
            assert page.status_code == 200 and "api/cluster/status" in page.text
            assert (await client.get("/nothing")).status_code == 404

    asyncio.run(run())
