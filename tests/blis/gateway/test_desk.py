from __future__ import annotations

import asyncio

import numpy as np
import pytest

from blis.gateway.desk import Desk
from tests.blis.gateway.small import ROUND_ROBIN, plane

ONE_AT_A_TIME = {
    **ROUND_ROBIN,
    "flow_control": {"enabled": True, "detector": "concurrency", "max_concurrency": 1, "interval_us": 1000},
}
PROMPT = np.arange(10)


def desk(bundle=None, count: int = 1) -> Desk:
    made = Desk(plane(count, bundle))
    for number in range(count):
        made.allow(number, True)
    return made


def test_without_a_gateway_queue_it_is_decided_at_once():
    async def run() -> None:
        made = desk(count=2)
        places = [await made.place(PROMPT, 5) for _ in range(4)]
        assert [place and place.instance for place in places] == [0, 1, 0, 1]

    asyncio.run(run())


def test_whoever_waits_is_next_when_somebody_leaves():
    async def run() -> None:
        made = desk(ONE_AT_A_TIME)
        running = asyncio.create_task(made.run())
        first = await made.place(PROMPT, 5)
        waiting = [asyncio.create_task(made.place(PROMPT, 5)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert first and not any(task.done() for task in waiting) and made.plane.waiting == 2
        made.leave(first, True)
        second = await asyncio.wait_for(waiting[0], 2)
        assert second and second.instance == 0 and not waiting[1].done()
        waiting[1].cancel()
        await asyncio.wait(waiting)
        assert made.plane.waiting == 0
        made.leave(second, True)
        assert len(made.plane) == 0
        running.cancel()

    asyncio.run(run())


def test_a_full_house_has_no_room():
    async def run() -> None:
        made = Desk(plane(1, requests=8))
        made.allow(0, True)
        places = [await made.place(PROMPT, 5) for _ in range(9)]
        assert places[0] is not None and places[-1] is None

    asyncio.run(run())


def test_nobody_is_up():
    async def run() -> None:
        place = await Desk(plane(2)).place(PROMPT, 5)
        assert place and place.rejected

    asyncio.run(run())


@pytest.mark.parametrize("class_name", ["", "critical"])
def test_who_waits_too_long_is_told(class_name: str):
    async def run() -> None:
        flow = {**ONE_AT_A_TIME["flow_control"], "ttl_us": 100_000}
        made = desk({**ROUND_ROBIN, "flow_control": flow})
        running = asyncio.create_task(made.run())
        await made.place(PROMPT, 5)
        late = await asyncio.wait_for(made.place(PROMPT, 5, slo_class=["", "critical"].index(class_name)), 2)
        assert late and late.rejected
        running.cancel()

    asyncio.run(run())
