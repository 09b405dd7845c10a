"""A latency model: linear, with a term for the context that decoding members read."""

from blis.latency import LATENCY
from blis.policies.registry import Bounds

_US = Bounds(0, 1e9)


@LATENCY.register("extra_linear", fixed_us=_US, prefill_us=_US, decode_us=_US, context_us=_US)
def extra_linear(fixed_us, prefill_us, decode_us, context_us, step):
    """So many µs a step, a prompt token, a decoding member and a token of context that it reads."""
    tokens = prefill_us * step.prefill_tokens + decode_us * step.decodes
    return fixed_us + tokens + context_us * step.decode_context
