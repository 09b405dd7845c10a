"""A gateway before servers that misbehave on command, on a port of its own, in this process."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn

from blis.engine.live.control_plane import ControlPlane, rehearse
from blis.engine.live.rooms import Limits
from blis.gateway.app import make_gateway_app
from blis.gateway.forward import Timeouts
from blis.gateway.gateway import Gateway, Rules
from blis.gateway.lag import Lag
from blis.gateway.scenario import any_scenario, before_servers
from blis.gateway.state import State
from blis.gateway.watch import Times
from blis.policies.bundle import load_bundle
from blis.scenario import apply_bundle
from blis.serve.server import address, listening
from blis.serve.words import Words
from tests.blis.gateway.backends import COMPLETIONS, Backend

ROUND_ROBIN = {"routing": {"policy": "round-robin"}}
QUICK = Times(scrape_s=0.05, heartbeat_s=0.2, offline_s=1.0)
ASK = {"model": "m", "prompt": "a b c", "max_tokens": 4}


def plane(count: int, bundle: dict[str, Any] | None = None, **limits: int) -> ControlPlane:
    """Before so many servers, of which none may be used yet."""
    scenario = before_servers(apply_bundle(any_scenario(), load_bundle(bundle or ROUND_ROBIN)), count)
    rehearse(scenario)
    sizes = {"requests": 256, "nodes": 8192, "tokens": 4000, "tenants": 4, "sessions": 8, **limits}
    return ControlPlane(scenario, ("", "critical", "batch"), Limits(**sizes, placements=1 + count))


class Served(uvicorn.Server):
    """A server that leaves signals alone."""

    @contextmanager
    def capture_signals(self):
        yield


@asynccontextmanager
async def gateway(
    *backends: Backend,
    bundle: dict[str, Any] | None = None,
    state: State | None = None,
    said: list[str] | None = None,
    limits: dict[str, int] | None = None,
    urls: list[str] | None = None,
    patient: bool = True,
    **rules: Any,
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """A gateway, and a client of it. said: gets the lines for the operator. patient: however late it is itself."""
    rules = {"times": QUICK, "timeouts": Timeouts(1.0, 5.0), **rules}
    urls = urls or [backend.url for backend in backends]
    say = (said if said is not None else []).append
    made = Gateway(plane(len(urls), bundle, **limits or {}), urls, Rules(**rules), state or State(), Words(), say)
    made.lag = Lag(most_s=math.inf if patient else -1.0)
    listener = listening("127.0.0.1", 0)
    config = uvicorn.Config(make_gateway_app(made, "p"), http="h11", ws="none", lifespan="on", log_level="warning")
    server = Served(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=address(listener), timeout=20, trust_env=False) as client:
            yield made, client
    finally:
        server.should_exit = server.force_exit = True
        await running


@asynccontextmanager
async def cluster(count: int = 2, parts: dict[str, Any] | None = None, **rules: Any) -> AsyncIterator[Any]:
    """Servers, a gateway before them, and a client."""
    async with AsyncExitStack() as stack:
        backends = [await stack.enter_async_context(Backend(**parts or {})) for _ in range(count)]
        made, client = await stack.enter_async_context(gateway(*backends, **rules))
        yield backends, made, client


async def post(client: httpx.AsyncClient, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return await client.post(COMPLETIONS, json={**ASK, **more}, headers=headers)


async def streamed(client: httpx.AsyncClient, **more: Any) -> list[Any]:
    """The events of a stream, the last one as it stands."""
    async with client.stream("POST", COMPLETIONS, json={**ASK, "stream": True, **more}) as answer:
        lines = [line.removeprefix("data: ") async for line in answer.aiter_lines() if line]
    return [json.loads(line) if line != "[DONE]" else line for line in lines]


async def until(holds: Any, within_s: float = 10.0) -> None:
    """Wait until it holds."""
    end_s = asyncio.get_running_loop().time() + within_s
    while not holds():
        assert asyncio.get_running_loop().time() < end_s, "too long"
        await asyncio.sleep(0.02)
