from __future__ import annotations

import asyncio

from tests.blis.gateway.small import cluster, gateway, post, until

LEAST = {"routing": {"policy": "weighted", "scorers": [{"name": "queue-waiting", "weight": 1.0}]}}


def test_it_says_how_servers_stand_and_why_requests_went_where_they_went():
    async def run() -> None:
        async with cluster(2, bundle=LEAST) as ((busy, idle), made, client):
            busy.waiting, busy.kv_usage = 9, 0.5
            await until(lambda: made.backends[0].reading and made.backends[0].reading.waiting == 9)
            await post(client)
            idle.fault = "500"
            await post(client)
            facts = (await client.get("/api/cluster/status")).json()
            first, second = facts["backends"]
            assert (first["waiting"], first["kv_usage"], first["state"], first["served"]) == (9, 0.5, "up", 1)
            assert (second["url"], second["served"], second["failed"]) == (idle.url, 1, 1)
            assert (facts["requests"], facts["retried"], facts["in_flight"]) == (2, 1, 0)
            after, before = facts["latest"]
            assert (before["backend"], after["backend"], before["input_tokens"]) == (1, 0, 3)
            views = before["views"]
            assert [view["queue_depth"] for view in views] == [9, 0] and views[1]["score"] > views[0]["score"]
            assert facts["state"]["kind"] == "memory"

    asyncio.run(run())


def test_whoever_was_not_sent_on_is_shown_too():
    async def run() -> None:
        async with cluster(1, bundle={**LEAST, "admission": {"policy": "reject-all"}}) as (_, _, client):
            await post(client)
            facts = (await client.get("/api/cluster/status")).json()
            assert facts["rejected"] == 1
            assert [(each["status"], each["backend"], each["views"]) for each in facts["latest"]] == [(429, None, [])]

    asyncio.run(run())


def test_who_was_never_seen_is_not_silent_since_any_time():
    async def run() -> None:
        async with gateway(urls=["http://127.0.0.1:9"]) as (_, client):
            (backend,) = (await client.get("/api/cluster/status")).json()["backends"]
            assert (backend["state"], backend["silent_s"]) == ("offline", None)

    asyncio.run(run())
