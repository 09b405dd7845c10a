"""How a server is asked: its address, which API of it, and what every request says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from blis.errors import InputError

CHAT, COMPLETIONS = "chat", "completions"
APIS = (COMPLETIONS, CHAT)

_HERE = ("127.0.0.1", "localhost", "::1")
_PATHS = {CHAT: "/v1/chat/completions", COMPLETIONS: "/v1/completions"}


@dataclass(frozen=True)
class Asking:
    """How a server is asked. extras: what not every server takes. count: tokens of a text that nobody counted."""

    url: str
    model: str
    api: str = COMPLETIONS
    stream: bool = True
    timeout_s: float = 300.0  # from when it is sent to the last byte, tries and pauses included
    retries: int = 2
    key: str = ""
    extras: tuple[str, ...] = ("ignore_eos",)
    count: Callable[[str], int] | None = None

    def __post_init__(self) -> None:
        """Check address and key. Raises InputError, which repeats neither."""
        _check_address(self.url)
        if not (self.key.isascii() and self.key.isprintable()):
            raise InputError("the API key has characters that no header can have")

    @property
    def shows_key(self) -> bool:
        """Whether the key goes over a network as it is."""
        return bool(self.key) and not self.secure and urlsplit(self.url).hostname not in _HERE

    @property
    def secure(self) -> bool:
        """Whether it is asked by https."""
        return urlsplit(self.url).scheme == "https"

    @property
    def base(self) -> str:
        """The address without what the paths bring."""
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def address(self) -> str:
        """Where requests are posted."""
        return self.base + _PATHS[self.api]

    def body(self, prompt: str, output_tokens: int) -> dict[str, Any]:
        """What is posted."""
        asked = {"messages": [{"role": "user", "content": prompt}]} if self.api == CHAT else {"prompt": prompt}
        usage = {"stream_options": {"include_usage": True}} if self.stream else {}
        extras = dict.fromkeys(self.extras, True)
        return (
            {"model": self.model, **asked, "max_tokens": max(output_tokens, 1), "stream": self.stream} | usage | extras
        )


def _check_address(address: str) -> None:
    """Raise InputError, without repeating it, for an address that is none, or has a secret in it."""
    try:
        parts, url = urlsplit(address), httpx.URL(address)
        right = parts.port != 0 and parts.scheme in ("http", "https") and bool(url.host)
    except (httpx.InvalidURL, ValueError):
        right = False
    if not right or parts.query or parts.fragment:
        raise InputError("--url must be http://HOST:PORT or https://HOST:PORT, with a path at most")
    if url.userinfo:
        raise InputError("--url must have no user and no password in it; a key comes from the environment")
