"""What a table holds as one number: equal tables have equal digests, wherever they were made."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def table_digest(table: Any) -> str:
    """64 hex digits over all columns and names of a table, but not over what the engine keeps with it."""
    digest = hashlib.sha256()
    _add(digest, table)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, value: Any) -> None:
    """Add a value, each with its shape, so that no two sequences of values look alike."""
    if is_dataclass(value):
        for field in fields(value):
            if field.compare:
                digest.update(f"{field.name}:".encode())
                _add(digest, getattr(value, field.name))
    elif isinstance(value, np.ndarray):
        digest.update(f"{value.dtype.str}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
    else:
        digest.update(f"{value!r};".encode())
