"""Limits on what a client may send: headers and body are measured before anybody reads them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from blis.serve.refusal import RefusedError

HEADER_BYTES = 16 * 1024
BODY_BYTES = 16 * 1024 * 1024
#: How long a body may take.
BODY_S = 75.0


class HeaderLimit:
    """Answers 431 to a request with too much in its headers."""

    def __init__(self, app: ASGIApp, refuse: ASGIApp) -> None:
        """refuse: what answers then."""
        self._app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As any ASGI application."""
        size = sum(len(name) + len(value) for name, value in scope.get("headers", ()))
        app = self._refuse if scope["type"] == "http" and size > HEADER_BYTES else self._app
        await app(scope, receive, send)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object that a request holds. Raises RefusedError: too large, no JSON, no object."""
    return json_object(await read_raw(request))


async def read_raw(request: Request) -> bytes:
    """What a request holds. Raises RefusedError if it is too large or too slow."""
    too_large = RefusedError(413, f"the body must be at most {BODY_BYTES} bytes")
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > BODY_BYTES:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                size += len(part)
                if size > BODY_BYTES:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise RefusedError(408, f"the body must be here within {BODY_S:g} s") from None
    return b"".join(parts)


def json_object(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises RefusedError: no JSON, no object."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body must be JSON") from None
    if not isinstance(body, dict):
        raise RefusedError(400, "the body must be a JSON object")
    return body
