"""Admission templates: each says whether a request gets in (cluster-and-policies.md section 3)."""

from __future__ import annotations

from blis.table import Bounds, Table

ADMISSION = Table("admission policy", "memory, now_us, cost_tokens")

# Slots of `memory`: [2] float64, a template's own, set by `start` below.
LEVEL_TOKENS, REFILLED_US = range(2)


@ADMISSION.register("always-admit")
def always_admit(memory, now_us, cost_tokens):
    """Everybody gets in."""
    return True


@ADMISSION.register(
    "token-bucket", capacity_tokens=Bounds(0, 1e15, log=True), refill_tokens_per_s=Bounds(0, 1e15, log=True)
)
def token_bucket(capacity_tokens, refill_tokens_per_s, memory, now_us, cost_tokens):
    """Admit while the bucket holds the prompt's tokens; it starts full and is refilled at each decision.

    A prompt larger than the capacity never gets in, however long it waits.
    """
    elapsed_us = now_us - memory[REFILLED_US]
    if elapsed_us > 0:
        memory[LEVEL_TOKENS] = min(capacity_tokens, memory[LEVEL_TOKENS] + elapsed_us * refill_tokens_per_s / 1e6)
        memory[REFILLED_US] = now_us
    if memory[LEVEL_TOKENS] < cost_tokens:
        return False
    memory[LEVEL_TOKENS] -= cost_tokens
    return True


@ADMISSION.register("reject-all")
def reject_all(memory, now_us, cost_tokens):
    """Nobody gets in (for tests)."""
    return False
