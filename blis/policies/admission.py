"""Admission templates: each says whether a request gets in (docs/policies.md section 4)."""

from __future__ import annotations

from typing import Any

from blis.jit import kernel
from blis.policies.facts import FACTS
from blis.policies.registry import Bounds, Registry
from blis.policies.scorers import effective_load

ADMISSION = Registry("admission policy", "memory, views, ask", FACTS)

# `memory` is [1 + tenants, slots] float64, zero at the start: row 0 is everybody's, row 1 + t tenant t's.
# Slots of a bucket:
LEVEL_TOKENS, REFILLED_US, STARTED = range(3)

#: Nobody is told to come back later than that: a hundred years.
LONGEST_US = 100.0 * 365 * 24 * 3600 * 1e6

_BUCKET: dict[str, Any] = {
    "capacity_tokens": Bounds(0, 1e15, log=True, default=10_000, span=(0.5, 10), relative_to="offered_tokens_per_s"),
    "refill_tokens_per_s": Bounds(0, 1e15, default=1_000, span=(0.5, 3), relative_to="offered_tokens_per_s"),
}
_SATURATION: dict[str, Any] = {
    "queue_threshold": Bounds(1e-3, 1e9, log=True, default=5, span=(1, 200)),
    "kv_threshold": Bounds(1e-3, 1, default=0.8, span=(0.5, 1)),
}
_PRIORITY: dict[str, Any] = {"min_priority": Bounds(-1e6, 1e6, default=0, span=(0, 5))}


@kernel
def _pay(slots, capacity_tokens, refill_tokens_per_s, ask):
    """Take a prompt's tokens from a bucket that starts full and is refilled at each decision.

    Tells the rejected when the bucket will hold them, if nobody else takes any: the next whole µs after that.
    """
    now_us, cost_tokens = ask.now_us, ask.input_tokens
    if slots[STARTED] == 0:
        slots[LEVEL_TOKENS] = capacity_tokens
        slots[STARTED] = 1
    elapsed_us = now_us - slots[REFILLED_US]
    if elapsed_us > 0:
        slots[LEVEL_TOKENS] = min(capacity_tokens, slots[LEVEL_TOKENS] + elapsed_us * refill_tokens_per_s / 1e6)
        slots[REFILLED_US] = now_us
    if slots[LEVEL_TOKENS] < cost_tokens:
        if cost_tokens <= capacity_tokens and refill_tokens_per_s > 0:
            wait_us = (cost_tokens - slots[LEVEL_TOKENS]) * 1e6 / refill_tokens_per_s
            ask.retry_after_us = int(min(wait_us, LONGEST_US)) + 1
        return False
    slots[LEVEL_TOKENS] -= cost_tokens
    return True


@kernel
def saturation(views, queue_threshold, kv_threshold):
    """Mean over instances of the larger of waiting / threshold and KV use / threshold: llm-d's detector."""
    total = 0.0
    count = 0
    for j in range(len(views)):
        if views[j].eligible:
            total += max(views[j].queue_depth / queue_threshold, views[j].kv_utilization / kv_threshold)
            count += 1
    return total / count


@kernel
def concurrency(views, max_concurrency):
    """Requests in flight, as a share of what all instances together should have."""
    total = 0
    count = 0
    for j in range(len(views)):
        if views[j].eligible:
            total += views[j].in_flight
            count += 1
    return total / (count * max_concurrency)


@ADMISSION.register("always-admit")
def always_admit(memory, views, ask):
    """Everybody gets in."""
    return True


@ADMISSION.register("token-bucket", reads=("retry_after",), memory=3, **_BUCKET)
def token_bucket(capacity_tokens, refill_tokens_per_s, memory, views, ask):
    """Admit while the bucket holds the prompt's tokens.

    A prompt larger than the capacity never gets in, however long it waits.
    """
    return _pay(memory[0], capacity_tokens, refill_tokens_per_s, ask)


@ADMISSION.register("reject-all", pathological=True)
def reject_all(memory, views, ask):
    """Nobody gets in (for tests)."""
    return False


@ADMISSION.register("tenant-token-bucket", reads=("tenant", "retry_after"), memory=3, **_BUCKET)
def tenant_token_bucket(capacity_tokens, refill_tokens_per_s, memory, views, ask):
    """A token bucket of this size for every tenant."""
    return _pay(memory[1 + ask.tenant], capacity_tokens, refill_tokens_per_s, ask)


@ADMISSION.register(
    "queue-depth",
    reads=("queue_depth", "pending", "tenants", "completed", "retry_after"),
    max_queued=Bounds(1, 1e9, log=True, default=256, span=(8, 2048)),
    max_tenant_in_flight=Bounds(1, 1e9, log=True, default=1_000_000, span=(4, 4096)),
)
def queue_depth(max_queued, max_tenant_in_flight, memory, views, ask):
    """Backpressure: a limit on requests that wait, and one on each tenant's requests in flight.

    Tells the rejected when to come back: as long as it should take to work off what is too much, at the
    pace of the run so far.
    """
    queued = 0
    for j in range(len(views)):
        if views[j].eligible:
            queued += views[j].queue_depth + views[j].pending
    if queued >= max_queued:
        if ask.completed > 0:
            ask.retry_after_us = int((queued - max_queued + 1) * (ask.now_us - ask.start_us) / ask.completed)
        return False
    return ask.tenant_in_flight < max_tenant_in_flight


@ADMISSION.register(
    "tier-shed",
    reads=("priority", "queue_depth", "batch_size", "pending"),
    max_load=Bounds(1, 1e9, log=True, default=64, span=(8, 1024)),
    **_PRIORITY,
)
def tier_shed(max_load, min_priority, memory, views, ask):
    """Shed the lower tiers while some instance has too much to do."""
    if ask.priority >= min_priority:
        return True
    highest = 0
    for j in range(len(views)):
        if views[j].eligible:
            highest = max(highest, effective_load(views[j]))
    return highest <= max_load


@ADMISSION.register("utilization-shed", reads=("priority", "queue_depth", "kv"), **_SATURATION, **_PRIORITY)
def utilization_shed(queue_threshold, kv_threshold, min_priority, memory, views, ask):
    """Shed the lower tiers while the cluster is saturated: llm-d's default, the original's gaie-legacy."""
    return ask.priority >= min_priority or saturation(views, queue_threshold, kv_threshold) < 1.0


@ADMISSION.register(
    "concurrency-shed",
    reads=("priority", "in_flight"),
    max_concurrency=Bounds(1, 1e9, log=True, default=100, span=(16, 1024)),
    **_PRIORITY,
)
def concurrency_shed(max_concurrency, min_priority, memory, views, ask):
    """Shed the lower tiers while too many requests are in flight."""
    return ask.priority >= min_priority or concurrency(views, max_concurrency) < 1.0


@ADMISSION.register(
    "probabilistic",
    reads=("priority", "admission", "queue_depth", "kv"),
    **_SATURATION,
    power=Bounds(0, 100, default=5, span=(1, 8)),
    k=Bounds(0, 1e9, log=True, default=300, span=(0.01, 1000)),
    **_PRIORITY,
)
def probabilistic(queue_threshold, kv_threshold, power, k, min_priority, memory, views, ask):
    """Shed the lower tiers with a probability that grows with saturation: llm-d's probabilistic-admitter."""
    if ask.priority >= min_priority:
        return True
    return ask.admission >= min(k * saturation(views, queue_threshold, kv_threshold) ** power, 1.0)


@ADMISSION.register(
    "tenant-budget",
    reads=("priority", "queue_depth", "kv", "tenants"),
    **_SATURATION,
    share=Bounds(1e-6, 1, log=True, default=0.25, span=(0.01, 0.5)),
    **_PRIORITY,
)
def tenant_budget(queue_threshold, kv_threshold, share, min_priority, memory, views, ask):
    """While the cluster is saturated, shed the lower tiers of tenants that have more than their share in flight."""
    if ask.priority >= min_priority or saturation(views, queue_threshold, kv_threshold) < 1.0:
        return True
    return ask.tenant_tokens + ask.input_tokens <= share * (ask.in_flight_tokens + ask.input_tokens)
