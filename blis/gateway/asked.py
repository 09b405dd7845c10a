"""What a gateway must know of a request that it sends on as it is: its prompt as tokens, how long its answer may be.

Whether it makes sense is the server's to say: whatever is not understood counts as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from blis.serve.asks import READERS
from blis.serve.words import Tokens, Words

#: The answer's length where nobody says: what vLLM's completions have, and a guess for chats.
_COMPLETION_TOKENS, _CHAT_TOKENS = 16, 256
_MOST_TOKENS = 2**20


@dataclass(frozen=True)
class Asked:
    """A request to be sent on."""

    target: str  # path and query, as they came
    body: bytes
    stream: bool
    prompt: Tokens  # at least one
    max_tokens: int  # of the answer, or a guess
    user: str

    @property
    def completes(self) -> bool:
        """Whether its answer is a JSON object or a stream that says its end; others may be anything."""
        return self.target.partition("?")[0] in READERS


def read_asked(target: str, raw: bytes, body: Mapping[str, Any], words: Words) -> Asked:
    """The request of a body, which is JSON."""
    chat = isinstance(body.get("messages"), list)
    try:
        tokens = _of_chat(body["messages"], words) if chat else _of_prompt(body.get("prompt", body.get("input")), words)
    except RecursionError:  # lists in lists in lists
        tokens = words.of_text(raw.decode(errors="replace"))
    default = _CHAT_TOKENS if chat else _COMPLETION_TOKENS
    given = (body.get(name) for name in ("max_completion_tokens", "max_tokens", "max_output_tokens"))
    most = next((value for value in given if type(value) is int and value > 0), default)
    user = body.get("user")
    return Asked(
        target,
        raw,
        body.get("stream") is True,
        tokens[:_MOST_TOKENS] if len(tokens) else np.zeros(1, np.int64),
        min(most, _MOST_TOKENS),
        user if isinstance(user, str) else "",
    )


def _of_chat(messages: Iterable[Any], words: Words) -> Tokens:
    return words.of_chat(
        (_text(message.get("role")), _text(message.get("content"))) if isinstance(message, Mapping) else ("", "")
        for message in messages
    )


def _of_prompt(prompt: Any, words: Words) -> Tokens:
    """Of a list of prompts all of them, one behind the other."""
    if isinstance(prompt, list) and all(type(token) is int for token in prompt):
        return np.array([token & 0x7FFFFFFF for token in prompt], np.int64)
    if isinstance(prompt, list):
        return np.concatenate([_of_prompt(each, words) for each in prompt])
    return words.of_text(_text(prompt))


def _text(value: Any) -> str:
    """As it stands; of a list of parts the texts and, of a picture and its like, what names it."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # JSON can spell halves of a letter
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return " ".join(_text(part.get("text", part)) for part in value)
    return "" if value is None else json.dumps(value, sort_keys=True)
