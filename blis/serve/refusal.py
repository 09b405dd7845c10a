"""Whoever is not served is told so in the form of OpenAI's errors."""

from __future__ import annotations

from math import ceil
from typing import Any

#: All others are the client's mistakes.
_TYPES = {404: "NotFoundError", 429: "rate_limit_error", 503: "ServiceUnavailableError"}
_TYPES |= dict.fromkeys((500, 502, 504), "InternalServerError")


class RefusedError(Exception):
    """An answer with an HTTP status of 400 or more."""

    def __init__(self, status: int, message: str, param: str | None = None, retry_after_s: float | None = None) -> None:
        """param: the field that is wrong. retry_after_s: in seconds of the wall clock."""
        super().__init__(message)
        self.status, self.message, self.param, self.retry_after_s = status, message, param, retry_after_s

    @property
    def body(self) -> dict[str, Any]:
        """As OpenAI and vLLM write it: `code` is the status."""
        error = {
            "message": self.message,
            "type": _TYPES.get(self.status, "BadRequestError"),
            "param": self.param,
            "code": self.status,
        }
        return {"error": error}

    @property
    def headers(self) -> dict[str, str]:
        """Retry-After in whole seconds, at least one."""
        return {} if self.retry_after_s is None else {"retry-after": str(max(1, ceil(self.retry_after_s)))}
