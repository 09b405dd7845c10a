"""What a client asks for: the body of a request, every field that matters checked, as vLLM reads it.

Fields that change nothing in a simulation, such as `temperature`, are left aside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from blis.errors import in_short
from blis.serve.refusal import RefusedError
from blis.serve.words import Tokens, Words

#: vLLM's own default of `max_tokens` for completions.
_COMPLETION_TOKENS = 16
_MOST_TOKENS = 2**31 - 1

#: Halves of a pair of UTF-16, which JSON can spell (`"\\ud800"`) and which are no letters.
_HALVES = re.compile("[\ud800-\udfff]")

#: What would change the form of an answer and is not there, and what it may be all the same, beside null.
_REFUSED = {"n": 1, "best_of": 1, "echo": False, "logprobs": False, "top_logprobs": None, "prompt_logprobs": None}


@dataclass(frozen=True)
class Ask:
    """A request: its prompt, how long the answer may be, in which form it is wanted."""

    prompt: Tokens
    max_tokens: int | None  # None: as many as fit
    ignore_eos: bool
    stream: bool
    include_usage: bool
    chat: bool
    user: str


def read_completion(body: Mapping[str, Any], words: Words) -> Ask:
    """The body of /v1/completions."""
    return _ask(body, _prompt(body.get("prompt"), words), _count(body, "max_tokens", _COMPLETION_TOKENS), chat=False)


def read_chat(body: Mapping[str, Any], words: Words) -> Ask:
    """The body of /v1/chat/completions."""
    most, older = (_count(body, name, None) for name in ("max_completion_tokens", "max_tokens"))
    return _ask(body, _conversation(body.get("messages"), words), most or older, chat=True)


def _ask(body: Mapping[str, Any], prompt: Tokens, max_tokens: int | None, chat: bool) -> Ask:
    for name, only in _REFUSED.items():
        value = body.get(name)
        if value is not None and (type(value) is not type(only) or value != only):  # true is not 1
            raise RefusedError(400, f"{name}={in_short(value)} is not supported, a simulated answer is one text", name)
    options = {} if body.get("stream_options") is None else body["stream_options"]
    if not isinstance(options, Mapping):
        raise RefusedError(400, f"stream_options must be an object, got {in_short(options)}", "stream_options")
    stream = _flag(body, "stream")
    if options and not stream:
        raise RefusedError(400, "stream_options are only for stream=true", "stream_options")
    user = "" if body.get("user") is None else body["user"]
    if not _is_text(user):
        raise RefusedError(400, f"user must be a text, got {in_short(user)}", "user")
    return Ask(prompt, max_tokens, _flag(body, "ignore_eos"), stream, _flag(options, "include_usage"), chat, user)


def _count(body: Mapping[str, Any], name: str, default: int | None) -> int | None:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_TOKENS:
        raise RefusedError(400, f"{name} must be a whole number of at least 1, got {in_short(value)}", name)
    return value


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise RefusedError(400, f"{name} must be true or false, got {in_short(value)}", name)
    return bool(value)


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not _HALVES.search(value)


def _prompt(prompt: Any, words: Words) -> Tokens:
    """The tokens of a prompt: a text or token ids, alone or in a list of one."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str | list):
        prompt = prompt[0]
    if _is_text(prompt):
        tokens = words.of_text(prompt)
    elif isinstance(prompt, list) and all(type(token) is int and 0 <= token < 2**31 for token in prompt):
        tokens = np.array(prompt, np.int64)
    elif isinstance(prompt, list) and all(isinstance(each, str | list) for each in prompt):
        raise RefusedError(400, f"prompt must be one, got a list of {len(prompt)}", "prompt")
    else:
        raise RefusedError(400, "prompt must be a text or a list of token ids", "prompt")
    if not len(tokens):
        raise RefusedError(400, "prompt must have at least one token", "prompt")
    return tokens


def _conversation(messages: Any, words: Words) -> Tokens:
    """The tokens of a conversation."""
    if not isinstance(messages, list) or not messages:
        raise RefusedError(400, "messages must be a list of at least one message", "messages")
    return words.of_chat([_message(message, f"messages[{number}]") for number, message in enumerate(messages)])


def _message(message: Any, where: str) -> tuple[str, str]:
    """Role and text; of a list of parts the texts count."""
    if not isinstance(message, Mapping) or not _is_text(message.get("role")):
        raise RefusedError(400, f"{where} must be an object with a role", where)
    content = message.get("content")
    if content is None:
        return message["role"], ""
    if isinstance(content, list) and all(isinstance(part, Mapping) for part in content):
        content = " ".join(part["text"] for part in content if isinstance(part.get("text"), str))
    if not _is_text(content):
        raise RefusedError(400, f"{where}.content must be a text or a list of parts", f"{where}.content")
    return message["role"], content


#: Path to how its body is read.
READERS: dict[str, Callable[[Mapping[str, Any], Words], Ask]] = {
    "/v1/completions": read_completion,
    "/v1/chat/completions": read_chat,
}
