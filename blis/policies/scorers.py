"""Routing scorers: each gives every instance a score in [0, 1] (cluster-and-policies.md 4.3).

A scorer fills `views[j].term` for all instances. The weighted routing template adds them up.
"""

from __future__ import annotations

from blis.jit import kernel
from blis.table import Table

SCORERS = Table("routing scorer", "views, prompt_blocks")


@kernel
def effective_load(view):
    """Requests the router knows an instance has: waiting, running and on their way (EffectiveLoad)."""
    return view.queue_depth + view.batch_size + view.pending


@SCORERS.register("prefix-affinity", reads=("prefix",))
def prefix_affinity(views, prompt_blocks):
    """Share of the prompt's full blocks that the router's index knows on the instance; 0 without a full block."""
    for j in range(len(views)):
        views[j].term = views[j].matched_blocks / prompt_blocks if prompt_blocks > 0 else 0.0


@SCORERS.register("queue-depth", reads=("queue_depth", "batch_size", "pending"))
def queue_depth(views, prompt_blocks):
    """(max - load) / (max - min) of EffectiveLoad, 1 for all if equal: the original's definition when recorded."""
    low = effective_load(views[0])
    high = low
    for j in range(1, len(views)):
        low = min(low, effective_load(views[j]))
        high = max(high, effective_load(views[j]))
    for j in range(len(views)):
        views[j].term = (high - effective_load(views[j])) / (high - low) if high > low else 1.0


@SCORERS.register("queue-waiting", reads=("queue_depth",))
def queue_waiting(views, prompt_blocks):
    """(max - q) / (max - min) of waiting requests only, 1 for all if equal: llm-d's queue-scorer."""
    low = views[0].queue_depth
    high = low
    for j in range(1, len(views)):
        low = min(low, views[j].queue_depth)
        high = max(high, views[j].queue_depth)
    for j in range(len(views)):
        views[j].term = (high - views[j].queue_depth) / (high - low) if high > low else 1.0


@SCORERS.register("kv-utilization", reads=("kv",))
def kv_utilization(views, prompt_blocks):
    """1 - used KV blocks / all KV blocks."""
    for j in range(len(views)):
        views[j].term = 1.0 - views[j].kv_utilization


@SCORERS.register("load-balance", reads=("queue_depth", "batch_size", "pending"))
def load_balance(views, prompt_blocks):
    """1 / (1 + EffectiveLoad)."""
    for j in range(len(views)):
        views[j].term = 1.0 / (1 + effective_load(views[j]))
