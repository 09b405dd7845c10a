"""Linear: what a step costs, as a sum of terms that `blis fit` finds in a log of a real server.

Blackbox has the first, second and fourth of them. What the others are for: attention reads the KV of every member
(context) and, in a chunk of a prompt, of every token before each of its own (pairs); a prompt that ends costs a first
token; and the weights that few tokens reach are fewer than those that many do, experts above all (the ramp).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from blis.latency.registry import LATENCY
from blis.policies.registry import Bounds

_US = Bounds(0, 1e12, default=0.0)


def _no_context(parameters: Mapping[str, float]) -> bool:
    """Whether decoding members cost the same whatever their length."""
    return parameters["context_us_token"] == 0


@LATENCY.register(
    "linear",
    constant_while_decoding=_no_context,
    fixed_us=Bounds(0, 1e12),
    prefill_us_token=_US,
    prefill_us_request=_US,
    decode_us_request=_US,
    context_us_token=_US,
    pair_us=_US,
    ramp_us=_US,
    ramp_tokens=Bounds(1e-3, 1e9, default=32.0),
)
def linear(
    fixed_us,
    prefill_us_token,
    prefill_us_request,
    decode_us_request,
    context_us_token,
    pair_us,
    ramp_us,
    ramp_tokens,
    step,
):
    """Linear in the sums of a step, but for the ramp, which levels off after `ramp_tokens` new tokens."""
    us = fixed_us + prefill_us_token * (step.prefill_tokens + step.drafts) + prefill_us_request * step.prefills
    us += decode_us_request * step.decodes + context_us_token * step.decode_context + pair_us * step.prefill_pairs
    if ramp_us > 0.0:
        us += ramp_us * (1.0 - math.exp(-(step.prefill_tokens + step.decodes + step.drafts) / ramp_tokens))
    return us + 0.5  # to the nearest µs
