"""Which steps are timed, and in which order: any beginning of it covers all kinds and sizes of steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from blis.latency.step import Step

#: Most tokens of KV that a step of the plan may hold; no GPU of the catalogue has room for many more.
MOST_KV_TOKENS = 2**20

_CONTEXTS = (0, 512, 2048, 8192, 32768)


class Point(NamedTuple):
    """A step whose prompts are alike, and whose decodes are alike."""

    prefills: int = 0
    tokens: int = 0  # that each prompt computes
    context: int = 0  # of each prompt, stored before
    decodes: int = 0
    decode_context: int = 0  # of each decode

    @property
    def step(self) -> Step:
        """The sums that a latency model may know."""
        pairs = self.tokens * self.context + self.tokens * (self.tokens - 1) // 2
        return Step(
            prefills=self.prefills,
            prefill_tokens=self.prefills * self.tokens,
            prefill_pairs=self.prefills * pairs,
            prefill_context=self.prefills * self.context,
            decodes=self.decodes,
            decode_context=self.decodes * self.decode_context,
        )

    @property
    def kv_tokens(self) -> int:
        """Tokens whose KV is stored after the step."""
        return self.prefills * (self.context + self.tokens) + self.decodes * (self.decode_context + 1)


def families() -> tuple[list[Point], ...]:
    """All steps of interest: decodes, chunks of one prompt, several short prompts, chunks beside decodes."""
    batches = [2**i for i in range(9)]
    chunks = [2**i for i in range(7, 14)]
    return (
        [Point(decodes=n, decode_context=context) for n, context in product(batches, (128, *_CONTEXTS[1:]))],
        [Point(1, tokens, context) for tokens, context in product(chunks, _CONTEXTS)],
        [Point(n, tokens) for n, tokens in product((2, 4, 8, 16), (64, 256, 1024)) if n * tokens <= chunks[-1]],
        [Point(1, *rest) for rest in product((128, 512, 2048), (0, 4096), (8, 64, 192), (512, 4096))],
    )


def plan(most_kv_tokens: int = MOST_KV_TOKENS) -> list[Point]:
    """The steps in their order: of each family, at any time, the same share."""
    kept = [spread([point for point in family if point.kv_tokens <= most_kv_tokens]) for family in families()]
    places = [((i + 0.5) / len(family), point) for family in kept for i, point in enumerate(family)]
    return [point for _, point in sorted(places)]


def spread(points: Sequence[Point]) -> list[Point]:
    """The one in the middle first, then always the one that is least like any before it."""
    if not points:
        return []
    places = np.log2(np.array(points) + 1.0)
    order = [int(np.argmin(np.linalg.norm(places - places.mean(axis=0), axis=1)))]
    away = np.full(len(points), np.inf)
    while len(order) < len(points):
        away = np.minimum(away, np.linalg.norm(places - places[order[-1]], axis=1))
        order.append(int(np.argmax(away)))
    return [points[i] for i in order]
