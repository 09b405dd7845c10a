"""What a latency model's mapping says it runs on, for kinds that look numbers up by it."""

from __future__ import annotations

from typing import Any

from blis.errors import InputError, in_short
from blis.latency.table import TABLE_BLOCK_TOKENS


def deployment(latency: dict[str, Any], path: str) -> tuple[str, str, int]:
    """Model, GPU and tp, each of the right type; "" and 0 where they are left out."""
    for key, kind, expected in (("model", str, "a text"), ("gpu", str, "a text"), ("tp", int, "a whole number")):
        value = latency.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise InputError(f"{path}.{key} must be {expected}, got {in_short(value)}")
    return latency.get("model") or "", latency.get("gpu") or "", latency.get("tp") or 0


def open_block_tokens(kv: dict[str, Any]) -> int:
    """Tokens of a block if the number of blocks is to be found; 0 if it is given, or the KV config refuses the size."""
    tokens = kv.get("block_size_tokens", TABLE_BLOCK_TOKENS)
    valid = isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0
    return tokens if valid and "blocks" not in kv else 0
