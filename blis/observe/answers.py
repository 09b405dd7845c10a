"""One answer of an OpenAI-compatible server, put together from its chunks; of completions and of chat.

A chunk counts if it brings text. The first chunk of a chat that has only a role, the last one that has only the usage,
and one that only says why the answer ended bring no token.
"""

from __future__ import annotations

import json
from array import array
from typing import Any

from blis.workload.assemble import MAX_TOKENS

#: What ends a stream.
DONE = "[DONE]"

#: Where a choice or its `delta` or `message` has its text.
_TEXTS = ("content", "reasoning_content", "reasoning", "text")


class AnswerError(Exception):
    """What came is no answer; says why, at any length."""


class Answer:
    """What has come so far: texts and when they came, what the server counted, and why it stopped."""

    def __init__(self) -> None:
        """Of an answer that begins."""
        self.texts: list[str] = []
        self.chunk_us = array("q")  # numbers of a list would take five times the memory
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.cached_tokens: int | None = None  # of the prompt
        self.finish = ""
        self.done = False

    @property
    def complete(self) -> bool:
        """Whether the server said that this was all."""
        return self.done or bool(self.finish)

    def take(self, data: str, now_us: int) -> None:
        """The next chunk, or a whole answer that was not streamed; one of blanks keeps a stream alive, no more.

        Raises AnswerError.
        """
        if not data.strip() or data.strip() == DONE:
            self.done |= bool(data.strip())
            return
        chunk = _object(data)
        if problem := error_in(chunk):
            raise AnswerError(problem)
        self._count(chunk.get("usage"))
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            self._choice(choice, now_us)

    def _choice(self, choice: Any, now_us: int) -> None:
        if not isinstance(choice, dict):
            raise AnswerError(f"a choice that is no object: {choice!r}")
        self.finish = str(choice.get("finish_reason") or self.finish)
        part = choice.get("delta") or choice.get("message") or choice
        texts = [part[key] for key in _TEXTS if part.get(key)] if isinstance(part, dict) else []
        if texts:
            self.texts.append(str(texts[0]))
            self.chunk_us.append(now_us)

    def _count(self, usage: Any) -> None:
        """The last counts count."""
        self.input_tokens = _counted(usage, "prompt_tokens", self.input_tokens)
        self.output_tokens = _counted(usage, "completion_tokens", self.output_tokens)
        details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
        self.cached_tokens = _counted(details, "cached_tokens", self.cached_tokens)


def error_in(chunk: dict[str, Any]) -> str:
    """What an error object says, in the form of OpenAI or of older vLLM; "" if it is none."""
    found = chunk.get("error") or (chunk if chunk.get("object") == "error" else None)
    if not found:
        return ""
    return str(found.get("message") or found) if isinstance(found, dict) else str(found)


def problem_of(body: str) -> str:
    """What a body with a status other than 200 says."""
    try:
        return error_in(_object(body)) or body
    except AnswerError:
        return body


def _counted(counts: Any, key: str, before: int | None) -> int | None:
    """A count of an object; what was known before where it has none, or one that no prompt and no answer can have."""
    count = counts.get(key) if isinstance(counts, dict) else None
    return count if type(count) is int and 0 <= count <= MAX_TOKENS else before


def _object(data: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise AnswerError(f"no JSON: {data}") from None
    if not isinstance(found, dict):
        raise AnswerError(f"no JSON object: {data}")
    return found
