"""Routing filters: each says which eligible instances may go on to the scores (docs/policies.md section 3).

A filter sets `views[j].keep` of every eligible instance. One that would leave nobody changes nothing;
whoever calls it sees to that (engine/gateway.py).
"""

from __future__ import annotations

from blis.policies.facts import FACTS
from blis.policies.registry import Bounds, Registry

FILTERS = Registry("routing filter", "views, ask", FACTS)


@FILTERS.register(
    "prefix-affinity",
    reads=("prefix", "in_flight"),
    threshold=Bounds(0, 1, default=0.8, span=(0.05, 1)),
    max_queueing_penalty_ms=Bounds(0, 1e9, log=True, default=14_000, span=(50, 20_000)),
    prefill_tokens_per_s=Bounds(1, 1e9, log=True, default=20_480, span=(20_480, 20_480)),
)
def prefix_affinity(threshold, max_queueing_penalty_ms, prefill_tokens_per_s, views, ask):
    """Sticky until saturated: instances that know most of the prompt, unless waiting there costs too much.

    The wait is estimated from prompt tokens in flight, as llm-d's prefix-cache-affinity-filter does it.
    """
    sticky_tokens = -1
    least_tokens = -1
    for j in range(len(views)):
        view = views[j]
        view.keep = ask.prompt_blocks > 0 and view.matched_blocks >= threshold * ask.prompt_blocks
        if view.eligible and (least_tokens < 0 or view.in_flight_tokens < least_tokens):
            least_tokens = view.in_flight_tokens
        if view.eligible and view.keep and (sticky_tokens < 0 or view.in_flight_tokens < sticky_tokens):
            sticky_tokens = view.in_flight_tokens
    if sticky_tokens < 0:
        return
    if (sticky_tokens - least_tokens) / prefill_tokens_per_s * 1000.0 > max_queueing_penalty_ms:
        for j in range(len(views)):
            views[j].keep = 1


@FILTERS.register("load", reads=("queue_depth",), max_waiting=Bounds(0, 1e9, log=True, default=128, span=(1, 256)))
def load(max_waiting, views, ask):
    """Instances with at most so many waiting requests."""
    for j in range(len(views)):
        views[j].keep = views[j].queue_depth <= max_waiting
