"""Text as tokens and tokens as text, by a rule instead of a tokenizer.

A token is a word, or each twelve letters of a longer one; answers are words from a list, one a token. So an answer that
comes back in the next prompt has the tokens that it had, and is found in a cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int64]

_WORD = re.compile(r"\S{1,12}")

#: What answers are made of; none is longer than a token.
WORDS = (
    *("the", "a", "one", "this", "that", "each", "some", "other", "first", "last", "small", "large", "old", "new"),
    *("long", "short", "early", "late", "quiet", "bright", "river", "stone", "window", "garden", "letter", "morning"),
    *("summer", "winter", "road", "bridge", "harbour", "valley", "mountain", "teacher", "sailor", "painter", "story"),
    *("answer", "question", "moves", "stands", "waits", "turns", "opens", "closes", "brings", "carries", "keeps"),
    *("finds", "follows", "under", "over", "between", "behind", "before", "after", "and", "but", "while", "again"),
)
_TOKENS = np.array([crc32(word.encode()) for word in WORDS])


def text_tokens(text: str) -> Tokens:
    """One number a token; equal tokens have equal numbers."""
    return np.array([crc32(word.encode()) for word in _WORD.findall(text)], np.int64)


def chat_tokens(messages: Iterable[tuple[str, str]]) -> Tokens:
    """The tokens of (role, text) pairs with a mark before and behind each, and the mark of the answer to come.

    What follows in the next round of the conversation begins with these and the answer.
    """
    parts = [text_tokens(f"<|{role}|> {text} <|end|>") for role, text in messages]
    return np.concatenate([*parts, text_tokens("<|assistant|>")])


def answer_to(prompt: Tokens, count: int) -> tuple[Sequence[str], Tokens]:
    """So many words, and their tokens: the same to the same prompt."""
    seed = int.from_bytes(blake2b(prompt.tobytes(), digest_size=8).digest())
    places = np.random.default_rng(seed).integers(0, len(WORDS), count)
    return [WORDS[place] for place in places.tolist()], _TOKENS[places]
