"""What the generator of load counts and times is what became of its requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from benchmarks.load import Load, run
from tests.blis.gateway.backends import Backend


def loaded(backend: Backend, clients: int = 3, requests: int = 30, **parts: Any) -> tuple[Load, dict[str, Any]]:
    """A load of a backend, and what came of it."""

    async def both() -> tuple[Load, dict[str, Any]]:
        async with backend:
            load = Load([backend.port], clients, seconds=20.0, requests=requests, **parts)
            return load, await run(load)

    return asyncio.run(both())


@pytest.mark.parametrize("stream", [False, True])
def test_every_request_is_answered_once_and_timed(stream: bool):
    backend = Backend(ttft_s=0.02, itl_s=0.005)
    _, found = loaded(backend, stream=stream, tokens=5)
    assert found["errors"] == {}
    assert len(found["e2e_us"]) == backend.answered == 30
    assert {asked.body["stream"] for asked in backend.asked} == {stream}
    assert {asked.body["max_tokens"] for asked in backend.asked} == {5}
    assert min(found["e2e_us"]) >= 40_000
    assert min(found["ttft_us"]) >= (20_000 if stream else 40_000)
    assert all(first <= last for first, last in zip(found["ttft_us"], found["e2e_us"], strict=True))


@pytest.mark.parametrize(
    ("fault", "stream", "error"),
    [
        ("500", False, "500"),
        ("503", True, "503"),
        ("cut", True, "closed"),
        ("cut", False, "closed"),
        ("hang-up", False, "closed"),
        ("malformed", True, "ended early"),
    ],
)
def test_errors_are_counted_by_what_they_are_and_asking_goes_on(fault: str, stream: bool, error: str):
    _, found = loaded(Backend(fault=fault, times=4), stream=stream)
    assert found["errors"] == {error: 4}
    assert len(found["e2e_us"]) == 26


def test_what_never_comes_is_no_answer():
    async def both() -> dict[str, Any]:
        async with Backend(fault="silent", times=2) as backend:
            return await run(Load([backend.port], clients=3, seconds=0.1, requests=10**6, grace_s=0.1))

    found = asyncio.run(both())
    assert found["errors"] == {"no answer": 2}
    assert found["e2e_us"]


def test_nobody_there_is_refused_and_the_load_ends():
    async def both() -> dict[str, Any]:
        backend = Backend()
        await backend.up()
        backend.down()
        return await run(Load([backend.port], clients=2, seconds=20.0, requests=4))

    assert asyncio.run(both())["errors"] == {"ConnectionRefusedError": 4}


def test_clients_take_the_ports_in_turn():
    async def both() -> list[int]:
        async with Backend() as one, Backend() as other:
            await run(Load([one.port, other.port], clients=4, seconds=20.0, requests=4))
            return [one.answered, other.answered]

    assert asyncio.run(both()) == [2, 2]
