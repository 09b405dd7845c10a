"""Answers in OpenAI's form, whole or as server-sent events, laid out as vLLM does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

DONE = "data: [DONE]\n\n"
_HERE = "\0"


@dataclass(frozen=True)
class Reply:
    """One answer: what every chunk of it says, and its words."""

    id: str
    model: str
    created: int  # Unix seconds
    chat: bool
    words: Sequence[str]
    finish_reason: str  # stop, or length where max_tokens ended it
    prompt_tokens: int

    def whole(self, cached_tokens: int) -> dict[str, Any]:
        """The answer in one piece."""
        text = "".join(map(self._text, range(len(self.words))))
        said: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": self.finish_reason}
        return {**self._head(""), "choices": [choice], "usage": self.usage(len(self.words), cached_tokens)}

    def opening(self) -> str:
        """What comes before the first token: of a chat, who speaks."""
        return self._event([self._choice({"delta": {"role": "assistant", "content": ""}}, None)]) if self.chat else ""

    def token(self, number: int) -> str:
        """The event of one token, counted from 0; the last says why it ends."""
        text = self._text(number)
        if number == len(self.words) - 1:
            return self._said(text, self.finish_reason)
        before, after = self._around
        return f"{before}{json.dumps(text)}{after}"

    @cached_property
    def _around(self) -> list[str]:
        """What stands before and behind the text in the event of a token: the same for all but the last."""
        return self._said(_HERE, None).split(json.dumps(_HERE))

    def _said(self, text: str, finish_reason: str | None) -> str:
        return self._event([self._choice({"delta": {"content": text}} if self.chat else {"text": text}, finish_reason)])

    def usage_event(self, cached_tokens: int) -> str:
        """The event without a choice that counts tokens."""
        return self._event([], usage=self.usage(len(self.words), cached_tokens))

    def usage(self, tokens: int, cached_tokens: int) -> dict[str, Any]:
        """How many tokens there were."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self.prompt_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens},
        }

    def _text(self, number: int) -> str:
        return self.words[number] if number == 0 and self.chat else f" {self.words[number]}"

    def _choice(self, said: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        return {"index": 0, **said, "logprobs": None, "finish_reason": finish_reason}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> str:
        return event({**self._head(".chunk"), "choices": choices, **more})

    def _head(self, chunk: str) -> dict[str, Any]:
        kind = f"chat.completion{chunk}" if self.chat else "text_completion"
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def event(body: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(body, separators=(',', ':'))}\n\n"
