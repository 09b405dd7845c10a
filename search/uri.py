"""Addresses of tracking stores: whether they can be meant, and what of them may be shown."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from blis.errors import InputError

SQLITE = "sqlite:///"

HIDDEN = "***"

#: What stands between a scheme and a host (a password may hold anything), and what is asked of a server.
_LOGIN = re.compile(r"(?<=://).*@", re.DOTALL)
_QUERY = re.compile(r"(?<=\?).*", re.DOTALL)


def check_uri(uri: str) -> None:
    """Raise InputError for what is no address of a store."""
    if not uri:
        raise InputError("tracking.uri is empty; to track nothing: tracking=none")
    if HIDDEN in uri:
        raise InputError("tracking.uri was written down without its secret; give it again, or tracking=none")
    if uri.startswith("sqlite:") and (not uri.startswith(SQLITE) or database_path(uri).is_dir() or ":memory:" in uri):
        raise InputError(f"tracking.uri must name a file, {SQLITE}PATH, got {uri}")


def database_path(uri: str) -> Path:
    """The file of an SQLite store."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]).resolve()


def shown(uri: str) -> str:
    """A URI without what may be a secret."""
    return _QUERY.sub(HIDDEN, uri if uri.startswith(SQLITE) else _LOGIN.sub(f"{HIDDEN}@", uri))


def concealed(text: str, uri: str) -> str:
    """A text about a store without the secrets of its URI, as they stand there or as they are meant."""
    login, query = _LOGIN.search(uri), _QUERY.search(uri)
    found = [login.group().rstrip("@") if login and not uri.startswith(SQLITE) else "", query.group() if query else ""]
    parts = [part for secret in found for part in (secret, secret.partition(":")[2], *secret.split("&"))]
    values = [part.partition("=")[2] or part for part in parts]
    for secret in sorted({*parts, *values, *map(unquote, values)}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN) if secret else text
    return text
