"""The servers that other tests rely on do what they are told to."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.blis.gateway.backends import CHAT, COMPLETIONS, FAULTS, Backend
from tests.places import ROOT

ASK = {"model": "m", "prompt": "hello", "max_tokens": 5}


@asynccontextmanager
async def meeting(**parts: Any) -> AsyncIterator[tuple[Backend, httpx.AsyncClient]]:
    """A backend, and a client of it who is not patient."""
    async with Backend(**parts) as backend, httpx.AsyncClient(base_url=backend.url, timeout=0.5) as client:
        yield backend, client


async def streamed(client: httpx.AsyncClient, path: str = COMPLETIONS, **more: Any) -> list[str]:
    """The data of a stream's events."""
    async with client.stream("POST", path, json={**ASK, "stream": True, **more}) as answer:
        return [line.removeprefix("data: ") async for line in answer.aiter_lines() if line]


@pytest.mark.parametrize("path", [COMPLETIONS, CHAT])
def test_the_same_answer_whole_and_as_a_stream(path: str):
    async def run() -> None:
        async with meeting() as (backend, client):
            whole = (await client.post(path, json=ASK)).json()
            *events, end = await streamed(client, path, stream_options={"include_usage": True})
            chunks = [json.loads(event) for event in events]
            parts = [chunk["choices"][0] for chunk in chunks[:-1]]
            text = "".join(part["text"] if path == COMPLETIONS else part["delta"].get("content", "") for part in parts)
            choice = whole["choices"][0]
            assert text == (choice["text"] if path == COMPLETIONS else choice["message"]["content"])
            assert len(text.split()) == 5
            assert chunks[-1]["usage"] == whole["usage"]
            assert (end, backend.answered, len(backend.connections)) == ("[DONE]", 2, 1)

    asyncio.run(run())


def test_delays_are_kept():
    async def run() -> None:
        async with meeting(ttft_s=0.1, itl_s=0.02) as (_, client):
            for stream in (False, True):
                start = time.perf_counter()
                await client.post(COMPLETIONS, json={**ASK, "stream": stream})
                assert time.perf_counter() - start >= 0.18

    asyncio.run(run())


def test_metrics_health_and_models():
    async def run() -> None:
        async with meeting(waiting=3, kv_usage=0.25, ttft_s=0.2) as (_, client):
            asking = asyncio.create_task(client.post(COMPLETIONS, json=ASK))
            await asyncio.sleep(0.05)
            page = (await client.get("/metrics")).text
            assert 'vllm:num_requests_running{engine="0",model_name="m"} 1.0' in page
            assert 'vllm:num_requests_waiting{engine="0",model_name="m"} 3.0' in page
            assert 'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25' in page
            assert 'block_size="16",num_gpu_blocks="1000"' in page
            assert (await asking).status_code == 200
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/v1/models")).json()["data"][0]["id"] == "m"
            assert (await client.get("/nowhere")).status_code == 404

    asyncio.run(run())


#: What a client meets, whole and streaming.
MEETS = {
    "cut": (httpx.RemoteProtocolError, httpx.ReadError),
    "hang-up": (httpx.RemoteProtocolError, httpx.ReadError),
    "silent": httpx.ReadTimeout,
    "half-open": httpx.ReadTimeout,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", MEETS)
def test_faults_that_break_an_answer(fault: str, stream: bool):
    async def run() -> None:
        async with meeting(fault=fault, times=1) as (backend, client):
            with pytest.raises(MEETS[fault]):
                await client.post(COMPLETIONS, json={**ASK, "stream": stream})
            await asyncio.sleep(0.05)
            assert (backend.running, backend.given_up) == (0, 1)
            assert (await client.post(COMPLETIONS, json=ASK)).status_code == 200

    asyncio.run(run())


@pytest.mark.parametrize(("fault", "wait"), [("500", None), ("503", "7")])
def test_faults_that_are_answered(fault: str, wait: str | None):
    async def run() -> None:
        async with meeting(fault=fault) as (_, client):
            answer = await client.post(COMPLETIONS, json=ASK)
            assert (answer.status_code, answer.headers.get("retry-after")) == (int(fault), wait)
            assert (await client.get("/health")).status_code == 200

    asyncio.run(run())


def test_answers_that_are_malformed():
    async def run() -> None:
        async with meeting(fault="malformed") as (_, client):
            events = await streamed(client)
            assert len(events) == 3
            with pytest.raises(json.JSONDecodeError):
                json.loads(events[-1])
            with pytest.raises(json.JSONDecodeError):
                (await client.post(COMPLETIONS, json=ASK)).json()

    asyncio.run(run())


def test_half_open_is_silent_about_everything():
    async def run() -> None:
        async with meeting(fault="half-open") as (_, client):
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/health")

    asyncio.run(run())


def test_it_dies_in_mid_stream_and_comes_back_at_the_same_port():
    async def run() -> None:
        async with meeting(itl_s=0.05) as (backend, client):
            asking = asyncio.create_task(streamed(client))
            await asyncio.sleep(0.1)
            port = backend.port
            backend.down()
            with pytest.raises(httpx.TransportError):
                await asking
            with pytest.raises(httpx.ConnectError):
                await client.post(COMPLETIONS, json=ASK)
            await backend.up()
            assert backend.port == port
            assert (await client.post(COMPLETIONS, json=ASK)).status_code == 200

    asyncio.run(run())


def test_every_fault_is_tried_here():
    assert set(FAULTS) == {"", *MEETS, "500", "503", "malformed"}


def test_it_runs_as_a_process():
    command = [sys.executable, "-m", "tests.blis.gateway.backends", "--ttft-ms", "1", "--itl-ms", "1", "--tokens", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        answer = httpx.post(url + COMPLETIONS, json={"prompt": "hello"})
        process.kill()
    assert answer.json()["usage"]["completion_tokens"] == 3
