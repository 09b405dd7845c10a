"""Routing scorers: each gives every eligible instance a score in [0, 1] (docs/policies.md section 3).

A scorer fills `views[j].term`. The weighted routing template adds the terms up. A name that ends in a year and a
month is what llm-d had under the name before it up to that month.
"""

from __future__ import annotations

from blis.jit import kernel
from blis.policies.facts import FACTS
from blis.policies.registry import VIEW, VIEWS, Bounds, Registry

#: llm-d's names of scorers that go by others here (docs/spec/policies-and-router.md section 2.5).
LLM_D_NAMES = {
    "prefix-cache-scorer": "prefix-affinity",
    "precise-prefix-cache-scorer": "precise-prefix-cache",
    "queue-scorer": "queue-waiting",
    "kv-cache-utilization-scorer": "kv-utilization",
    "active-request-scorer": "active-requests",
    "running-requests-size-scorer": "running-requests",
    "load-aware-scorer": "load-aware",
    "no-hit-lru-scorer": "no-hit-lru",
    "token-load-scorer": "token-load",
    "session-affinity-scorer": "session-affinity",
    "lora-affinity-scorer": "lora-affinity",
}

SCORERS = Registry("routing scorer", "views, ask", FACTS, elsewhere=LLM_D_NAMES)

#: What the original calls by these names is what llm-d did when it took them over.
ORIGINAL_MEANS = {"precise-prefix-cache": "precise-prefix-cache-2026-04"}

_LOAD = ("queue_depth", "batch_size", "pending")


@kernel
def effective_load(view):
    """Requests the router knows an instance has: waiting, running and on their way (EffectiveLoad)."""
    return view.queue_depth + view.batch_size + view.pending


@kernel
def _invert(views):
    """Turn terms into (max - x) / (max - min), 1 for all if equal."""
    low, high = _range(views)
    for j in range(len(views)):
        views[j].term = (high - views[j].term) / (high - low) if high > low else 1.0


@kernel
def _range(views):
    """Smallest and largest term of the eligible instances, of which there is at least one."""
    found = False
    low = 0.0
    high = 0.0
    for j in range(len(views)):
        if views[j].eligible:
            low = min(low, views[j].term) if found else views[j].term
            high = max(high, views[j].term) if found else views[j].term
            found = True
    return low, high


@SCORERS.register("prefix-affinity", reads=("prefix",))
def prefix_affinity(views, ask):
    """Share of the prompt's full blocks that the router's index knows on the instance; 0 without a full block."""
    for j in range(len(views)):
        views[j].term = views[j].matched_blocks / ask.prompt_blocks if ask.prompt_blocks > 0 else 0.0


@SCORERS.register("queue-depth", reads=_LOAD, depends=VIEWS)
def queue_depth(views, ask):
    """(max - load) / (max - min) of EffectiveLoad, 1 for all if equal: the original's definition when recorded."""
    for j in range(len(views)):
        views[j].term = float(effective_load(views[j]))
    _invert(views)


@SCORERS.register("queue-waiting", reads=("queue_depth",), depends=VIEWS)
def queue_waiting(views, ask):
    """(max - q) / (max - min) of waiting requests only, 1 for all if equal: llm-d's queue-scorer."""
    for j in range(len(views)):
        views[j].term = float(views[j].queue_depth)
    _invert(views)


@SCORERS.register("kv-utilization", reads=("kv",), depends=VIEW)
def kv_utilization(views, ask):
    """1 - used KV blocks / all KV blocks."""
    for j in range(len(views)):
        views[j].term = 1.0 - views[j].kv_utilization


@SCORERS.register("load-balance", reads=_LOAD, depends=VIEW)
def load_balance(views, ask):
    """1 / (1 + EffectiveLoad)."""
    for j in range(len(views)):
        views[j].term = 1.0 / (1 + effective_load(views[j]))


@SCORERS.register("precise-prefix-cache", reads=("cache",))
def precise_prefix_cache(views, ask):
    """Share of the prompt's full blocks that lead it in the real cache; 0 without a full block."""
    for j in range(len(views)):
        views[j].term = views[j].cached_blocks / ask.cache_blocks if ask.cache_blocks > 0 else 0.0


@SCORERS.register("precise-prefix-cache-2026-04", reads=("cache",), dated=True)
def precise_prefix_cache_2026_04(views, ask):
    """(x - min) / (max - min) of the prompt's leading blocks in the real cache, 1 for all if equal."""
    for j in range(len(views)):
        views[j].term = float(views[j].cached_blocks)
    low, high = _range(views)
    for j in range(len(views)):
        views[j].term = (views[j].term - low) / (high - low) if high > low else 1.0


@SCORERS.register("no-hit-lru", reads=("prefix", "cold"))
def no_hit_lru(views, ask):
    """Spreads cold requests: .5 for all if some instance knows the prefix, else the longest unused first."""
    warm = False
    eligible = 0
    for j in range(len(views)):
        if views[j].eligible:
            eligible += 1
            warm = warm or views[j].matched_blocks > 0
    for j in range(len(views)):
        if warm:
            views[j].term = 0.5
            continue
        rank = 0
        for other in range(len(views)):
            earlier = views[other].cold_stamp < views[j].cold_stamp
            same = views[other].cold_stamp == views[j].cold_stamp and other < j
            rank += views[other].eligible and (earlier or same)
        views[j].term = 1.0 - rank / (eligible - 1) if eligible > 1 else 1.0


@SCORERS.register(
    "active-requests",
    reads=("in_flight",),
    depends=VIEWS,
    idle_threshold=Bounds(0, 1e9, default=0, span=(0, 32)),
    max_busy_score=Bounds(0, 1, default=1, span=(0, 1)),
)
def active_requests(idle_threshold, max_busy_score, views, ask):
    """1 for an idle instance, else (max - n) / max of requests in flight, times what a busy one may have at most."""
    for j in range(len(views)):
        views[j].term = float(views[j].in_flight)
    high = _range(views)[1]
    for j in range(len(views)):
        busy = views[j].in_flight > idle_threshold and high > 0  # the highest is that of the eligible ones
        views[j].term = (high - views[j].term) / high * max_busy_score if busy else 1.0


@SCORERS.register("running-requests", reads=("batch_size",), depends=VIEWS)
def running_requests(views, ask):
    """(max - n) / (max - min) of running requests, 1 for all if equal."""
    for j in range(len(views)):
        views[j].term = float(views[j].batch_size)
    _invert(views)


@SCORERS.register(
    "load-aware", reads=("queue_depth",), depends=VIEW, threshold=Bounds(1, 1e9, log=True, default=128, span=(8, 512))
)
def load_aware(threshold, views, ask):
    """From .5 with nobody waiting down to 0 with as many waiting as the threshold, or more."""
    for j in range(len(views)):
        views[j].term = 0.5 * (1.0 - min(views[j].queue_depth, threshold) / threshold)


@SCORERS.register("vllm-dp", reads=("queue_depth", "batch_size"), depends=VIEWS)
def vllm_dp(views, ask):
    """VLLM's own data-parallel balancer: (max - x) / (max - min) of 4 x waiting + running."""
    for j in range(len(views)):
        views[j].term = float(4 * views[j].queue_depth + views[j].batch_size)
    _invert(views)


@SCORERS.register(
    "token-load",
    reads=("in_flight",),
    depends=VIEW,
    queue_threshold_tokens=Bounds(1, 1e15, log=True, default=4_194_304, span=(4_096, 4_194_304)),
)
def token_load(queue_threshold_tokens, views, ask):
    """1 - prompt tokens in flight / threshold, 0 beyond it, as llm-d's token-load-scorer."""
    for j in range(len(views)):
        views[j].term = 1.0 - min(views[j].in_flight_tokens, queue_threshold_tokens) / queue_threshold_tokens


@SCORERS.register("session-affinity", reads=("session",))
def session_affinity(views, ask):
    """1 for the instance that got the session's last request, else 0."""
    for j in range(len(views)):
        views[j].term = float(views[j].session_home)


@SCORERS.register("soft-affinity", reads=("labels",))
def soft_affinity(views, ask):
    """Share of the request's preferred labels that the instance carries."""
    for j in range(len(views)):
        views[j].term = views[j].preferred


@SCORERS.register("lora-affinity", reads=("lora",))
def lora_affinity(views, ask):
    """1 where the request's adapter runs, .8 where there is room for one more, .6 where it waits, 0 elsewhere."""
    for j in range(len(views)):
        view = views[j]
        if view.adapter_active:
            view.term = 1.0
        elif view.adapters < view.max_loras:
            view.term = 0.8
        else:
            view.term = 0.6 if view.adapter_waits else 0.0
