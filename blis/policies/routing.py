"""Routing templates: each fills `views[j].score` for all instances; the best one gets the request.

Ties go to the first index or are broken by the request's own random number (gateway.py).
"""

from __future__ import annotations

from blis.policies.scorers import SCORERS, effective_load
from blis.table import Table

ROUTING = Table("routing policy", "views, turn, prompt_blocks, codes, weights")
_score = SCORERS.dispatcher()


@ROUTING.register("round-robin")
def round_robin(views, turn, prompt_blocks, codes, weights):
    """Each instance in turn; `turn` counts routing decisions."""
    for j in range(len(views)):
        views[j].score = 1.0 if j == turn % len(views) else 0.0


@ROUTING.register("least-loaded", reads=("queue_depth", "batch_size", "pending"))
def least_loaded(views, turn, prompt_blocks, codes, weights):
    """The instance with the smallest EffectiveLoad."""
    for j in range(len(views)):
        views[j].score = -float(effective_load(views[j]))


@ROUTING.register("weighted")
def weighted(views, turn, prompt_blocks, codes, weights):
    """Sum of clamped scores times normalised weights, added in the order they are configured in."""
    for j in range(len(views)):
        views[j].score = 0.0
    for position in range(len(codes)):
        _score(codes[position], weights, views, prompt_blocks)
        for j in range(len(views)):
            views[j].score += min(max(views[j].term, 0.0), 1.0) * weights[position]
