from __future__ import annotations

import asyncio

import pytest

from blis.gateway.watch import Times
from tests.blis.gateway.backends import Backend
from tests.blis.gateway.small import cluster, gateway, post, until


def test_what_servers_say_is_what_decisions_are_made_on():
    bundle = {"routing": {"policy": "weighted", "scorers": [{"name": "kv-utilization", "weight": 1.0}]}}

    async def run() -> None:
        async with cluster(2, bundle=bundle) as ((first, second), made, client):
            for full, other in ((first, second), (second, first)):
                full.kv_usage, other.kv_usage = 0.9, 0.1
                await until(lambda: [b.reading.kv_share for b in made.backends] == [first.kv_usage, second.kv_usage])
                before = len(other.asked)
                await post(client)
                assert len(other.asked) == before + 1

    asyncio.run(run())


def test_the_cache_has_the_size_that_the_server_says():
    async def run() -> None:
        async with cluster(2, {"blocks": 777}) as (_, made, _):
            await until(lambda: made.desk.plane.arrays.engines.blocks.tolist() == [777, 777])

    asyncio.run(run())


def test_a_request_is_on_its_way_until_its_server_can_know_of_it():
    async def run() -> None:
        async with cluster(1, {"ttft_s": 0.5}, times=Times(0.15, 1.0, 5.0)) as ((backend,), made, client):
            asking = asyncio.create_task(post(client))
            await until(lambda: backend.running)
            plane = made.desk.plane
            assert (int(plane.arrays.instances.pending[0]), plane.in_flight(0)) == (1, 1)
            await until(lambda: plane.arrays.instances.batch_size[0] == 1)
            assert (int(plane.arrays.instances.pending[0]), plane.in_flight(0)) == (0, 1)
            await asking
            assert plane.in_flight(0) == 0

    asyncio.run(run())


def test_a_server_without_metrics_is_used_all_the_same_and_that_is_said():
    async def run() -> None:
        said: list[str] = []
        async with cluster(1, said=said) as ((backend,), made, client):
            backend.metrics = lambda: "nothing_of_vllm 1\n"
            await until(lambda: any("no metrics" in line for line in said))
            backend.ttft_s = 0.3
            asking = asyncio.create_task(post(client))
            await until(lambda: made.backends[0].reading.running == 1)
            assert (await asking).status_code == 200
            assert sum("no metrics" in line for line in said) == 1

    asyncio.run(run())


@pytest.mark.parametrize("value", ["1e300", "-5", "NaN", "+Inf", "word"])
def test_numbers_that_cannot_be_are_none(value: str):
    async def run() -> None:
        async with Backend() as backend:
            backend.page = backend.metrics().replace(" 0.0", f" {value}").replace('"1000"', f'"{"9" * 30}"')
            said: list[str] = []
            async with gateway(backend, said=said) as (made, client):
                assert (await post(client)).status_code == 200
                await until(lambda: any("has no metrics" in line for line in said))
                assert made.failure is None and (await client.get("/api/cluster/status")).status_code == 200

    asyncio.run(run())


def test_a_cache_of_a_size_that_cannot_be_has_none():
    async def run() -> None:
        async with Backend() as backend:
            backend.page = backend.metrics().replace('"1000"', f'"{"9" * 30}"')
            async with gateway(backend) as (made, client):
                assert (await post(client)).status_code == 200 and made.failure is None

    asyncio.run(run())
