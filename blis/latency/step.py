"""`Step`: all that a latency model may know of a step. In the engine it is a record, elsewhere it may hold averages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """Sums over the members of a batch, as they are before the step."""

    prefills: float = 0  # members that compute tokens of their prompt
    prefill_tokens: float = 0  # X: how many
    prefill_pairs: float = 0  # (one of these, token before it in the same sequence): what attention computes
    prefill_context: float = 0  # tokens of these members whose KV is stored
    decodes: float = 0  # Y: members that compute their next output token
    decode_context: float = 0  # tokens of these members whose KV is stored
    drafts: float = 0  # tokens of these members that were guessed, and are checked


#: The same as whole numbers.
STEP = np.dtype([(name, "i8") for name in Step._fields])
