"""Text as tokens and tokens as text, by a rule or by a tokenizer.

By rule a token is a word, or each twelve letters of a longer one. Answers are words from a list, one a token: an answer
that comes back in the next prompt has the tokens that it had, and is found in a cache.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, one_line

Tokens = NDArray[np.int64]

_WORD = re.compile(r"\S{1,12}")
#: Words of a longer text are looked for one by one: that is slower, and other threads get on meanwhile.
_LONG = 2**18

#: What answers are made of.
WORDS = (
    *("the", "a", "one", "this", "that", "each", "some", "other", "first", "last", "small", "large", "old", "new"),
    *("long", "short", "early", "late", "quiet", "bright", "river", "stone", "window", "garden", "letter", "morning"),
    *("summer", "winter", "road", "bridge", "harbour", "valley", "mountain", "teacher", "sailor", "painter", "story"),
    *("answer", "question", "moves", "stands", "waits", "turns", "opens", "closes", "brings", "carries", "keeps"),
    *("finds", "follows", "under", "over", "between", "behind", "before", "after", "and", "but", "while", "again"),
)


def by_rule(text: str) -> list[int]:
    """One number a token; equal tokens have equal numbers."""
    words = _WORD.findall(text) if len(text) < _LONG else (found[0] for found in _WORD.finditer(text))
    return [crc32(word.encode()) for word in words]


def by_tokenizer(path: str) -> Callable[[str], list[int]]:
    """What a `tokenizer.json` makes of a text. Raises InputError without the package that reads one."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError("--tokenizer needs the package `tokenizers`, which is not installed") from None
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # the package has no type of its own for a file that is none
        raise InputError(f"{path}: no tokenizer: {one_line(error)}") from None
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


class Words:
    """What prompts are read with and answers are made of."""

    def __init__(self, tokens_of: Callable[[str], list[int]] = by_rule) -> None:
        """tokens_of: the tokens of a text. Raises InputError if no word of an answer is one token."""
        self._tokens_of = tokens_of
        found = {word: tokens_of(f" {word}") for word in WORDS}
        self._words = [word for word, tokens in found.items() if len(tokens) == 1]
        if not self._words:
            raise InputError("the tokenizer takes no word with a blank before it for one token")
        self._numbers = np.array([found[word][0] for word in self._words], np.int64)

    def of_text(self, text: str) -> Tokens:
        """The tokens of a text."""
        return np.array(self._tokens_of(text), np.int64)

    def of_chat(self, messages: Iterable[tuple[str, str]]) -> Tokens:
        """The tokens of (role, text) pairs with a mark before and behind each, and the mark of the answer to come.

        What follows in the next round of the conversation begins with these and the answer.
        """
        parts = [self.of_text(f"<|{role}|> {text} <|end|>") for role, text in messages]
        return np.concatenate([*parts, self.of_text("<|assistant|>")])

    def answer(self, prompt: Tokens, count: int) -> tuple[Sequence[str], Tokens]:
        """So many words, and their tokens: the same to the same prompt."""
        seed = int.from_bytes(blake2b(prompt.tobytes(), digest_size=8).digest())
        places = np.random.default_rng(seed).integers(0, len(self._words), count)
        return [self._words[place] for place in places.tolist()], self._numbers[places]
