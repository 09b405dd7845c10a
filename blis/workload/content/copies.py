"""Content of requests that begin as earlier ones did, as long as the earlier prompt goes."""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

from blis.workload.content.tree import InternedContent, Span, first_tokens, intern_sequences

SOUGHT = 1000  # earlier prompts that are looked at for one that is long enough


def intern_copies(
    depth: NDArray[np.int64],
    ago: NDArray[np.int64],
    group: NDArray[np.integer],
    prefix_tokens: NDArray[np.int64],
    input_tokens: NDArray[np.int64],
    output_tokens: NDArray[np.int64],
    conversation: NDArray[np.int64] | None = None,
) -> InternedContent:
    """Intern requests as `intern_prefix_groups` does, of which some begin with a part of an earlier prompt instead.

    depth: [n] tokens of it, 0 = none. ago: [n] how many openings before; the first prompt from there on back that is
    long enough is taken, or the longest of those that were looked at, as far as it goes. A request that continues a
    conversation begins with all that was said in it.
    """
    conversations = np.full(len(depth), -1) if conversation is None else conversation
    inputs, totals = input_tokens.tolist(), (input_tokens + output_tokens).tolist()
    said: list[list[Span]] = []
    openings: list[int] = []
    latest: dict[int, int] = {}
    for row, talk in enumerate(conversations.tolist()):
        if talk >= 0 and talk in latest:
            begins = said[latest[talk]]
        else:
            source = _source(openings, inputs, int(depth[row]), int(ago[row]))
            copied = min(int(depth[row]), inputs[source]) if source >= 0 else 0
            own: list[Span] = [(("group", int(group[row])), 0, int(prefix_tokens[row]))]
            begins = first_tokens(said[source], copied) if copied else own
            openings.append(row)
        latest[talk] = row
        begun = sum(length for _, _, length in begins)
        said.append([span for span in (*begins, (row, 0, totals[row] - begun)) if span[2]])
    return intern_sequences(said, inputs)


def _source(openings: list[int], inputs: list[int], depth: int, ago: int) -> int:
    """The row whose prompt is repeated, -1 if nothing came before."""
    if not openings or not depth:
        return -1
    place = max(len(openings) - ago, 0)
    before, after = range(place, max(place - SOUGHT, -1), -1), range(place + 1, min(place + SOUGHT, len(openings)))
    longest = openings[place]
    for row in (openings[number] for number in chain(before, after)):
        if inputs[row] >= depth:
            return row
        longest = row if inputs[row] > inputs[longest] else longest
    return longest
