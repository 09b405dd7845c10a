"""Who sends a request, as its headers say."""

from __future__ import annotations

from starlette.requests import Request

from blis.errors import in_short
from blis.serve.refusal import RefusedError

#: Headers of the Gateway API inference extension that say who sends a request and how urgent it is, and a session's.
CLASS_HEADER, TENANT_HEADER = "x-gateway-inference-objective", "x-gateway-inference-fairness-id"
SESSION_HEADER = "x-session-id"


def slo_class(request: Request, classes: tuple[str, ...]) -> int:
    """The number of the request's class among those that there are. Raises RefusedError."""
    name = request.headers.get(CLASS_HEADER, "")
    if name not in classes:
        known = ", ".join(filter(None, classes))
        raise RefusedError(400, f"{CLASS_HEADER} must be one of {known}, got {in_short(name)}", CLASS_HEADER)
    return classes.index(name)
