"""Step times that are a sum of terms (docs/policies.md section 6)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tests.oracle.roofline_original import Entry


def pairs(entry: Entry) -> int:
    """How many tokens those of this step look back on, all together."""
    return sum(entry.context + before for before in range(entry.new))


class StepTime:
    """What each thing in a step costs."""

    def __init__(self, parameters: Mapping[str, float]) -> None:
        """Keep the prices; one that is not given is nothing."""
        self.price = {name: parameters.get(name, 0.0) for name in _PRICES}
        self.ramp_tokens = parameters.get("ramp_tokens", 32.0)

    def __call__(self, prefill: Sequence[Entry], decode: Sequence[Entry]) -> int:
        """Return the duration of a step in microseconds."""
        price, tokens = self.price, sum(entry.new for entry in prefill)
        drafts = sum(entry.new - 1 for entry in decode)
        us = (
            price["fixed_us"]
            + price["prefill_us_token"] * (tokens + drafts)
            + price["prefill_us_request"] * len(prefill)
        )
        us += (
            price["decode_us_request"] * len(decode)
            + price["context_us_token"] * sum(entry.context for entry in decode)
            + price["pair_us"] * sum(pairs(entry) for entry in prefill)
        )
        new = tokens + drafts + len(decode)
        return math.floor(us + price["ramp_us"] * (1 - math.exp(-new / self.ramp_tokens)) + 0.5)


_PRICES = (
    "fixed_us",
    "prefill_us_token",
    "prefill_us_request",
    "decode_us_request",
    "context_us_token",
    "pair_us",
    "ramp_us",
)
