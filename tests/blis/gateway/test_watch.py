from __future__ import annotations

import asyncio

from blis.gateway.watch import Times
from tests.blis.gateway.small import cluster, post, until


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
