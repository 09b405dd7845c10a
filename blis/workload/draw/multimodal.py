"""Prompts of text, images, sound and film: how many tokens are of which kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.errors import InputError
from blis.tables.origin import MODALITIES
from blis.workload.draw.arrivals import MAX_REQUESTS
from blis.workload.draw.lengths import CountDistribution, Distribution

#: Purpose, such as "image/count" -> the random stream for it.
Streams = Callable[[str], np.random.Generator]


@dataclass(frozen=True)
class Multimodal:
    """What a client's prompts consist of, each part optional; it takes the place of input_distribution.

    image_distribution: tokens of one image; image_count_distribution: images of a prompt, maybe none; audio and video
    alike. A prompt of nothing is one token of text.
    """

    text_distribution: Distribution | None = None
    image_distribution: Distribution | None = None
    image_count_distribution: CountDistribution | None = None
    audio_distribution: Distribution | None = None
    audio_count_distribution: CountDistribution | None = None
    video_distribution: Distribution | None = None
    video_count_distribution: CountDistribution | None = None

    def __post_init__(self) -> None:
        """Check that tokens and numbers of items come together, and that a prompt consists of something."""
        for kind in MODALITIES:
            keys = (f"{kind}_distribution", f"{kind}_count_distribution")
            given = [key for key in keys if getattr(self, key) is not None]
            if len(given) == 1:
                missing = keys[1 - keys.index(given[0])]
                raise InputError(f"{missing} is missing: {given[0]} says nothing without it")
        if not any(vars(self).values()):
            raise InputError(f"at least one of {', '.join(vars(self))} must be given")

    def sample(self, streams: Streams, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """[n] tokens of whole prompts, >= 1, and [n, 3] tokens of images, audio and video in them.

        The first k of n draws are the same for every n >= k.
        """
        parts = np.zeros((n, len(MODALITIES)), np.int64)
        for column, kind in enumerate(MODALITIES):
            count: CountDistribution | None = getattr(self, f"{kind}_count_distribution")
            if count is not None:
                items = count.sample(streams(f"{kind}/count"), n)
                parts[:, column] = _sums(getattr(self, f"{kind}_distribution"), streams(kind), items)
        total = parts.sum(axis=1)
        if self.text_distribution is not None:
            total += self.text_distribution.sample(streams("text"), n)
        return np.maximum(total, 1), parts

    @property
    def mean_tokens(self) -> float:
        """Of a whole prompt, as exact as those of the distributions."""
        mean = 0.0 if self.text_distribution is None else self.text_distribution.mean_tokens
        for kind in MODALITIES:
            if (count := getattr(self, f"{kind}_count_distribution")) is not None:
                mean += count.mean_tokens * getattr(self, f"{kind}_distribution").mean_tokens
        return max(mean, 1.0)


def _sums(law: Distribution, random: np.random.Generator, items: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] tokens of so many items each."""
    number = float(items.sum(dtype=np.float64))
    if number > MAX_REQUESTS:
        raise InputError(f"about {number:.3g} items in the prompts of one table; at most {MAX_REQUESTS} can be drawn")
    upto = np.concatenate(([0], np.cumsum(law.sample(random, int(number)))))
    ends = np.cumsum(items)
    return upto[ends] - upto[ends - items]
