"""What prompts may have in common, where a log says only how much of each was found in the cache.

A prompt of which c tokens were found is taken to begin like the first c of what an earlier request had said by then,
of the one that was last in use. Who it really was is not known, but as much is found again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.workload.content.tree import Span, first_tokens


class Hits(NamedTuple):
    """Prompts with outputs that are found in the cache as a log says."""

    sequences: list[list[Span]]  # [n] each prompt and its output
    unexplained: int  # requests before which nobody had said as much: taken to have found nothing


def with_hits(
    cached_tokens: NDArray[np.int64],
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
    let_in_us: NDArray[np.int64],
    first_token_us: NDArray[np.int64],
    completed_us: NDArray[np.int64],
) -> Hits:
    """[n] requests in any order, times on one clock."""
    total = input_tokens + output_tokens
    sequences: list[list[Span]] = [[(row, 0, int(tokens))] for row, tokens in enumerate(total)]
    unexplained = 0
    in_order = np.argsort(let_in_us, kind="stable")
    for row in in_order[cached_tokens[in_order] > 0].tolist():
        now, cached = let_in_us[row], int(cached_tokens[row])
        said = np.where(completed_us <= now, total, np.where(first_token_us <= now, input_tokens, 0))
        found = np.flatnonzero(said >= cached)
        if len(found):
            last = found[np.argmax(np.minimum(completed_us[found], now))]
            sequences[row] = [*first_tokens(sequences[last], cached), (row, 0, int(total[row]) - cached)]
        else:
            unexplained += 1
    return Hits(sequences, unexplained)
