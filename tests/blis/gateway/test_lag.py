from __future__ import annotations

import asyncio
import time

from blis.gateway.lag import MOST_S, Lag
from tests.blis.gateway.small import cluster, post


def test_a_loop_that_is_kept_from_its_work_is_late_and_then_in_time_again():
    async def run() -> None:
        lag = Lag()
        running = asyncio.create_task(lag.run())
        await asyncio.sleep(0.1)
        time.sleep(2 * MOST_S)
        await asyncio.sleep(0.01)
        assert lag.too_much
        for _ in range(100):
            await asyncio.sleep(0.1)
            if not lag.too_much:
                break
        assert not lag.too_much
        running.cancel()

    asyncio.run(run())


def test_whoever_comes_to_a_gateway_that_cannot_is_refused_at_once():
    async def run() -> None:
        async with cluster(1, patient=False) as ((backend,), made, client):
            answer = await post(client)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert not backend.asked and made.in_flight == 0

    asyncio.run(run())
