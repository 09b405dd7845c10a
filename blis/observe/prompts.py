"""Prompts as texts: so many tokens each, and equal as far as the content tree of the requests says so.

Texts are made of common words. How many tokens they are is what `count` says, of a tokenizer or of the server itself:
two counts give the tokens of a word and those that come with every prompt (its template, the sign of its beginning).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError, one_line
from blis.tables.requests import RequestTable

#: One token each, with the blank before it, in the usual vocabularies.
WORDS = tuple(
    [
        "the",
        "of",
        "and",
        "to",
        "in",
        "is",
        "that",
        "for",
        "it",
        "as",
        "was",
        "with",
        "be",
        "by",
        "on",
        "not",
        "his",
        "but",
        "at",
        "are",
        "this",
        "have",
        "from",
        "or",
        "had",
        "an",
        "they",
        "which",
        "one",
        "you",
        "were",
        "all",
        "her",
        "she",
        "there",
        "would",
        "their",
        "we",
        "him",
        "been",
        "has",
        "when",
        "who",
        "will",
        "no",
        "more",
        "if",
        "out",
        "so",
        "up",
        "said",
        "what",
        "its",
        "about",
        "than",
        "into",
        "them",
        "can",
        "only",
        "other",
        "time",
        "new",
        "some",
        "could",
        "these",
    ]
)
_TIMES = 5  # the longer of the two texts that are counted has all words as often


@dataclass(frozen=True)
class Lengths:
    """How long texts are: tokens of a word, and those that no word is to blame for."""

    word_tokens: float = 1.0
    other_tokens: float = 0.0

    def words(self, tokens: int) -> int:
        """The words that the first so many tokens of a prompt are."""
        return max(round((tokens - self.other_tokens) / self.word_tokens), 0)


async def measured(count: Callable[[str], Awaitable[int | None]]) -> Lengths | None:
    """From the tokens that two texts are; None if they are not counted, or longer texts are no more tokens."""
    short, long = [await count(" ".join(WORDS * times)) for times in (1, _TIMES)]
    if short is None or long is None or long <= short:
        return None
    word_tokens = (long - short) / ((_TIMES - 1) * len(WORDS))
    return Lengths(word_tokens, short - word_tokens * len(WORDS))


def token_counter(path: str) -> Callable[[str], int]:
    """What counts the tokens of a text by a `tokenizer.json`. Raises InputError without the package that reads one."""
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise InputError(
            "--tokenizer needs the package `tokenizers`, which is not installed; without the flag prompts are measured"
            " by the server's own counts"
        ) from None
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception as error:  # it raises nothing narrower
        raise InputError(f"{path}: no tokenizer: {one_line(error)}") from None
    return lambda text: len(tokenizer.encode(text).ids)


class Prompts:
    """The texts of a table's prompts; another seed gives others."""

    def __init__(self, table: RequestTable, lengths: Lengths, seed: int) -> None:
        """Nothing is made before it is asked for: a long table would not fit in memory."""
        self._table, self._lengths, self._seed = table, lengths, seed
        self._shared: dict[int, list[str]] = {}
        self._digits = _digits(len(table.tree.parent))

    def text(self, row: int) -> str:
        """The prompt of a row: at least one word."""
        table, tokens = self._table, int(self._table.input_tokens[row])
        path = slice(table.path_offset[row], table.path_offset[row + 1])
        words = [word for node in table.path_node[path].tolist() for word in self._words(node, tokens)]
        return " ".join(words or WORDS[:1])

    def warm_up(self, number: int, tokens: int) -> str:
        """A prompt of no request of the table: what it leaves in a cache is of no use to any."""
        return " ".join(self._drawn(len(self._table.tree.parent) + number, max(self._lengths.words(tokens), 1)))

    def _words(self, node: int, tokens: int) -> list[str]:
        """Those of a node that are in a prompt of so many tokens."""
        tree = self._table.tree
        start, end = int(tree.start_token[node]), int(tree.end_token[node])
        if start >= tokens:
            return []
        first, last = self._lengths.words(start), self._lengths.words(end)
        words = self._shared.get(node) or self._drawn(node, last - first)
        if tree.shared[node] >= 0:
            self._shared[node] = words
        return words[: self._lengths.words(tokens) - first]

    def _drawn(self, node: int, count: int) -> list[str]:
        """So many words of a node: its number first, by which it differs from all others, then any."""
        drawn: NDArray[np.int64] = np.random.default_rng((self._seed, node)).integers(0, len(WORDS), count)
        for place in range(min(self._digits, count)):
            drawn[place] = node // len(WORDS) ** place % len(WORDS)
        return [WORDS[index] for index in drawn.tolist()]


def _digits(numbers: int) -> int:
    """Words that tell so many numbers, and as many more of a warm-up, apart."""
    digits = 1
    while len(WORDS) ** digits < 2 * numbers + 10_000:
        digits += 1
    return digits
