"""The scorers of the weighted template: one function each, a score for every instance asked about (policies.md 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.oracle.engine import Job
from tests.oracle.memory import Memory
from tests.oracle.view import View


@dataclass(frozen=True)
class Question:
    """A request to be routed, the instances left for it in index order, and what is known of them."""

    job: Job
    among: tuple[int, ...]
    view: View
    memory: Memory
    full_blocks: int  # B
    given: Mapping[str, float] = field(default_factory=dict)  # parameters of the scorer that is asked


Scores = dict[int, float]


def _inverted(ask: Question, value: Callable[[int], float]) -> Scores:
    """Min-max inverted."""
    values = {j: value(j) for j in ask.among}
    low, high = min(values.values()), max(values.values())
    return {j: (high - x) / (high - low) if high > low else 1.0 for j, x in values.items()}


def prefix_affinity(ask: Question) -> Scores:
    """The share of the prompt's blocks that the router's index knows."""
    blocks = ask.full_blocks
    return {j: ask.memory.matched_blocks(j, ask.job) / blocks if blocks else 0.0 for j in ask.among}


def precise_prefix_cache(ask: Question) -> Scores:
    """The share of the prompt's blocks that are really cached."""
    blocks = len(ask.view.prompt_keys(ask.job))
    return {j: ask.view.cache(j, ask.job) / blocks if blocks else 0.0 for j in ask.among}


def precise_prefix_cache_2026_04(ask: Question) -> Scores:
    """Min-max of the really cached blocks."""
    values = {j: ask.view.cache(j, ask.job) for j in ask.among}
    low, high = min(values.values()), max(values.values())
    return {j: (x - low) / (high - low) if high > low else 1.0 for j, x in values.items()}


def no_hit_lru(ask: Question) -> Scores:
    """Cold requests go where no cold request went for longest."""
    if not ask.memory.is_cold(ask.job, ask.among):
        return dict.fromkeys(ask.among, 0.5)
    order = sorted(ask.among, key=lambda j: (ask.memory.cold_stamps[j], j))
    return {j: 1.0 - rank / (len(order) - 1) if len(order) > 1 else 1.0 for rank, j in enumerate(order)}


def queue_depth(ask: Question) -> Scores:
    """The recorded state's definition, over EffectiveLoad."""
    return _inverted(ask, ask.view.load)


def queue_waiting(ask: Question) -> Scores:
    """Waiting requests only."""
    return _inverted(ask, ask.view.queue_depth)


def kv_utilization(ask: Question) -> Scores:
    """The share of free blocks."""
    return {j: 1.0 - ask.view.kv(j) for j in ask.among}


def load_balance(ask: Question) -> Scores:
    """Falls with EffectiveLoad, whatever the others have."""
    return {j: 1.0 / (1.0 + ask.view.load(j)) for j in ask.among}


def active_requests(ask: Question) -> Scores:
    """Requests in flight, against the most; the idle have them all beaten."""
    values = {j: ask.view.in_flight(j) for j in ask.among}
    high = max(values.values())
    idle, top = ask.given.get("idle_threshold", 0), ask.given.get("max_busy_score", 1.0)
    return {j: (high - x) / high * top if x > idle else 1.0 for j, x in values.items()}


def running_requests(ask: Question) -> Scores:
    """Requests in the batch."""
    return _inverted(ask, ask.view.batch_size)


def load_aware(ask: Question) -> Scores:
    """At most one half, less with every waiting request up to a threshold."""
    most = ask.given.get("threshold", 128.0)
    return {j: 0.5 * (1.0 - min(ask.view.queue_depth(j), most) / most) for j in ask.among}


def vllm_dp(ask: Question) -> Scores:
    """The balancer of vLLM's data parallelism."""
    return _inverted(ask, lambda j: 4 * ask.view.queue_depth(j) + ask.view.batch_size(j))


def token_load(ask: Question) -> Scores:
    """Prompt tokens in flight, against four million or what is given."""
    most = ask.given.get("queue_threshold_tokens", 4194304.0)
    return {j: 1.0 - min(ask.view.in_flight_tokens(j), most) / most for j in ask.among}


def session_affinity(ask: Question) -> Scores:
    """One for the home of the session."""
    return {j: 1.0 if j == ask.memory.session_home(ask.job) else 0.0 for j in ask.among}


def soft_affinity(ask: Question) -> Scores:
    """The share of preferred labels."""
    return {j: ask.view.preference(j, ask.job) for j in ask.among}


def lora_affinity(ask: Question) -> Scores:
    """One where the adapter runs, less where there is room for it, still less where it waits."""
    name = ask.job.request.adapter

    def score(j: int) -> float:
        active, waiting = ask.view.adapters(j)
        if name in active:
            return 1.0
        if len(active | waiting) < ask.view.max_loras(j):
            return 0.8
        return 0.6 if name in waiting else 0.0

    return {j: score(j) for j in ask.among}


SCORERS: dict[str, Callable[[Question], Scores]] = {
    "prefix-affinity": prefix_affinity,
    "precise-prefix-cache": precise_prefix_cache,
    "precise-prefix-cache-2026-04": precise_prefix_cache_2026_04,
    "no-hit-lru": no_hit_lru,
    "queue-depth": queue_depth,
    "queue-waiting": queue_waiting,
    "kv-utilization": kv_utilization,
    "load-balance": load_balance,
    "active-requests": active_requests,
    "running-requests": running_requests,
    "load-aware": load_aware,
    "vllm-dp": vllm_dp,
    "token-load": token_load,
    "session-affinity": session_affinity,
    "soft-affinity": soft_affinity,
    "lora-affinity": lora_affinity,
}
