"""The HTTP face of a service: its paths, errors in OpenAI's form, limits, and the fleet that runs meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from blis.errors import in_short, named
from blis.serve.asks import READERS
from blis.serve.gone import GoneError
from blis.serve.limits import HEADER_BYTES, HeaderLimit
from blis.serve.refusal import RefusedError
from blis.serve.service import Service
from blis.stdout import note

#: What `refused` answers. ClientDisconnect: gone before the whole request was here.
_HANDLED = (RefusedError, GoneError, ClientDisconnect, HTTPException, Exception)

_DASHBOARD = Path(__file__).with_name("dashboard.html")


def refused(request: Request, error: Exception) -> Response:
    """Any error in OpenAI's form; what one was that nobody expected is for the terminal, not for the client."""
    asked = in_short(f"{request.method} {request.url.path}", 80)
    if isinstance(error, GoneError | ClientDisconnect):
        return Response(status_code=499)  # which nobody reads
    if isinstance(error, HTTPException):
        error = RefusedError(error.status_code, f"{asked}: {error.detail}")
    if not isinstance(error, RefusedError):
        note(f"blis: {asked} failed: {named(error)}")
        error = RefusedError(500, "the server failed")
    return JSONResponse(error.body, error.status, headers=error.headers)


def make_app(service: Service) -> Starlette:
    """The application of a simulated cluster, which runs as long as it does."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(service.fleet.run())
        yield
        running.cancel()

    return guarded(routes(service), lifespan)


def guarded(routes: list[Route], lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]) -> Starlette:
    """An application with limits and errors as they are here."""

    async def too_long(scope: object, receive: object, send: object) -> None:
        error = RefusedError(431, f"headers must be at most {HEADER_BYTES} bytes")
        await JSONResponse(error.body, error.status)(scope, receive, send)  # type: ignore[arg-type]

    return Starlette(
        routes=routes,
        middleware=[Middleware(HeaderLimit, refuse=too_long)],
        exception_handlers=dict.fromkeys(_HANDLED, refused),
        lifespan=lifespan,
    )


def page(path: str, content: Callable[[], Response]) -> Route:
    """A path that shows what there is at the moment."""

    async def endpoint(request: Request) -> Response:
        return content()

    return Route(path, endpoint)


def routes(service: Service) -> list[Route]:
    """Every path."""
    model = {"id": service.model, "object": "model", "created": service.started, "owned_by": "blis"}
    model |= {"root": service.model, "parent": None, "max_model_len": service.most_tokens}
    return [
        *(Route(path, service.answer, methods=["POST"]) for path in READERS),
        page("/v1/models", lambda: JSONResponse({"object": "list", "data": [model]})),
        page(f"/v1/models/{service.model}", lambda: JSONResponse(model)),
        page("/health", lambda: Response(status_code=503 if service.fleet.failure else 200)),
        page("/version", lambda: JSONResponse({"version": version("blis")})),
        page("/metrics", lambda: Response(service.metrics.page(), media_type="text/plain; version=0.0.4")),
        page("/api/cluster/status", lambda: JSONResponse(service.status.facts())),
        page("/", lambda: HTMLResponse(_DASHBOARD.read_bytes())),
    ]
