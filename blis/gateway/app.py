"""The HTTP face of a gateway: its paths, and what runs meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from blis.gateway.forward import FailedError, sent_on
from blis.gateway.gateway import Gateway, target
from blis.gateway.status import Status
from blis.serve.app import guarded, page
from blis.serve.refusal import RefusedError

_DASHBOARD = Path(__file__).with_name("dashboard.html")
_MODELS_WITHIN_S = 5.0


def make_gateway_app(gateway: Gateway, policy: str) -> Starlette:
    """The application of a gateway, which watches its servers as long as it does. policy: its name, to show."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        begun = asyncio.Event()
        gateway.state.start()
        running = asyncio.create_task(gateway.run(begun))
        await begun.wait()
        yield
        running.cancel()
        await asyncio.wait({running})
        gateway.state.close()

    return guarded(routes(gateway, Status(gateway, policy)), lifespan)


def routes(gateway: Gateway, status: Status) -> list[Route]:
    """Every path."""

    async def models(request: Request) -> Response:
        return await _models(gateway, request)

    def draining(path: str, drains: bool) -> Route:
        async def endpoint(request: Request) -> Response:
            _drain(gateway, request, drains)
            return JSONResponse(status.facts()["backends"])

        return Route(path, endpoint, methods=["POST"])

    return [
        Route("/v1/models", models),
        Route("/v1/models/{name:path}", models),
        Route("/v1/{path:path}", gateway.answer, methods=["POST"]),
        page("/health", lambda: Response(status_code=200 if _healthy(gateway) else 503)),
        page("/metrics", lambda: Response(gateway.metrics.page(), media_type="text/plain; version=0.0.4")),
        page("/api/cluster/status", lambda: JSONResponse(status.facts())),
        draining("/api/cluster/drain", drains=True),
        draining("/api/cluster/resume", drains=False),
        page("/", lambda: HTMLResponse(_DASHBOARD.read_bytes())),
    ]


def _healthy(gateway: Gateway) -> bool:
    """Whether it makes sense to send it requests."""
    up = any(gateway.desk.plane.allowed(backend.number) for backend in gateway.backends)
    return up and not gateway.draining and not gateway.failure


async def _models(gateway: Gateway, request: Request) -> Response:
    """What the first server that is up and can says of its models."""
    where, headers = target(request), sent_on(request.headers)
    for backend in gateway.backends:
        if gateway.desk.plane.allowed(backend.number):
            try:
                code, text = await gateway.forwarder.get(backend, where, _MODELS_WITHIN_S, headers)
            except FailedError:
                continue
            if code >= 500:
                continue
            return Response(text, code, media_type="application/json")
    raise RefusedError(503, "no server is up", retry_after_s=1)


def _drain(gateway: Gateway, request: Request, drains: bool) -> None:
    """Who may say so: this machine alone, and no page that a browser has from elsewhere."""
    client = request.client.host if request.client else ""
    if "origin" in request.headers or (client != "testclient" and not ip_address(client).is_loopback):
        raise RefusedError(403, f"{request.url.path} is for this machine alone")
    url = request.query_params.get("backend", "")
    backend = next((each for each in gateway.backends if each.url == url), None)
    if backend is None:
        known = ", ".join(each.url for each in gateway.backends)
        raise RefusedError(404, f"backend must be one of {known}, got {url!r}", "backend")
    gateway.drain(backend, drains)
