"""How long a step takes: batch formation has summed up what a latency model may know of it (blis.latency)."""

from __future__ import annotations

from blis.jit import kernel
from blis.latency.registry import LATENCY

_duration_us = LATENCY.dispatcher()
_constant_us = LATENCY.dispatcher(LATENCY.ever_constant)


@kernel
def step_us(w, i):
    """Duration of the step whose members have been counted, in whole µs."""
    instance = w.instances[i]
    step = instance.step
    step.decode_context = instance.decode_base + step.decodes * (instance.steps + 1)
    us = _with_adapters(w, i, int(_duration_us(w.engines[i].latency, w.latencies[i], step)))
    return us + w.engines[i].drafting_us if step.drafts > 0 else us


@kernel
def decode_us(w, i, members):
    """The same of a step in which so many members decode, where that is all that matters."""
    step = w.instances[i].step
    clear(step)
    step.decodes = members
    return _with_adapters(w, i, int(_constant_us(w.engines[i].latency, w.latencies[i], step)))


@kernel
def _with_adapters(w, i, duration_us):
    """What a step takes that takes so long without adapters: members that have one cost a share more."""
    if w.instances[i].adapters == 0:
        return duration_us
    return int(duration_us * w.engines[i].adapter_factor)


@kernel
def count_prefill(step, context, tokens):
    """Add a member's part of a prefill to the sums of the step: its `tokens` follow `context` stored ones."""
    step.prefills += 1
    step.prefill_tokens += tokens
    step.prefill_pairs += tokens * context + tokens * (tokens - 1) // 2
    step.prefill_context += context


@kernel
def clear(step):
    """Nobody has been counted yet; the context of decodes is found last, all at once."""
    step.prefills = 0
    step.prefill_tokens = 0
    step.prefill_pairs = 0
    step.prefill_context = 0
    step.decodes = 0
    step.drafts = 0
