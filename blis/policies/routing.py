"""Routing templates: each fills `views[j].score` of all instances; the best eligible one gets the request.

Definitions: docs/policies.md section 3. Ties and the picker are the gateway's (engine/gateway.py). Templates
are pure functions of what the gateway has gathered in `views` (an instance each) and `ask` (the request).
"""

from __future__ import annotations

from blis.jit import kernel
from blis.policies.facts import FACTS
from blis.policies.registry import VIEW, Bounds, Registry
from blis.policies.scorers import SCORERS, effective_load

ROUTING = Registry("routing policy", "views, ask, codes, weights", FACTS)
_score = SCORERS.dispatcher()
_LOAD = ("queue_depth", "batch_size", "pending")


@kernel
def _place(views, number):
    """The index of the eligible instance with this number, counted in index order."""
    for j in range(len(views)):
        if views[j].eligible:
            if number == 0:
                return j
            number -= 1
    return 0


@kernel
def _eligible(views):
    count = 0
    for j in range(len(views)):
        count += views[j].eligible
    return count


@ROUTING.register("round-robin")
def round_robin(views, ask, codes, weights):
    """Each instance in turn; `turn` counts routing decisions."""
    for j in range(len(views)):
        views[j].score = -float((views[j].place - ask.turn) % ask.places)


@ROUTING.register("least-loaded", reads=_LOAD, depends=VIEW)
def least_loaded(views, ask, codes, weights):
    """The instance with the smallest EffectiveLoad."""
    for j in range(len(views)):
        views[j].score = -float(effective_load(views[j]))


@ROUTING.register("weighted", depends=VIEW)
def weighted(views, ask, codes, weights):
    """Sum of clamped scores times normalised weights, added in the order they are configured in.

    The scorers' parameters stand behind their weights, the same room for each.
    """
    for j in range(len(views)):
        views[j].score = 0.0
    room = (len(weights) - len(codes)) // max(len(codes), 1)
    for position in range(len(codes)):
        _score(codes[position], weights[len(codes) + room * position :], views, ask)
        for j in range(len(views)):
            views[j].score += min(max(views[j].term, 0.0), 1.0) * weights[position]


@ROUTING.register("prefix-affinity", reads=("home", *_LOAD))
def prefix_affinity(views, ask, codes, weights):
    """Where the longest known prefix went last, else the least loaded instance."""
    for j in range(len(views)):
        views[j].score = 1.0 if views[j].home else -float(effective_load(views[j]))


@ROUTING.register("prefix-affinity-exact", reads=("exact_home", *_LOAD))
def prefix_affinity_exact(views, ask, codes, weights):
    """The same for prompts that are equal up to their last full block, as the original does it."""
    for j in range(len(views)):
        views[j].score = 1.0 if views[j].home else -float(effective_load(views[j]))


@ROUTING.register("always-busiest", reads=_LOAD, depends=VIEW, pathological=True)
def always_busiest(views, ask, codes, weights):
    """The instance with the largest EffectiveLoad (for tests)."""
    for j in range(len(views)):
        views[j].score = float(effective_load(views[j]))


@ROUTING.register("power-of-two", reads=("choice-1", "choice-2", *_LOAD))
def power_of_two(views, ask, codes, weights):
    """The less loaded of two instances drawn at random (Mitzenmacher 2001)."""
    count = _eligible(views)
    first = int(ask.choice_1 * count)
    second = int(ask.choice_2 * (count - 1)) if count > 1 else first
    if count > 1 and second >= first:
        second += 1
    first = _place(views, first)
    second = _place(views, second)
    target = second if effective_load(views[second]) < effective_load(views[first]) else first
    for j in range(len(views)):
        views[j].score = 1.0 if j == target else 0.0


@ROUTING.register("random", reads=("choice-1",))
def random(views, ask, codes, weights):
    """Any eligible instance, all equally likely."""
    target = _place(views, int(ask.choice_1 * _eligible(views)))
    for j in range(len(views)):
        views[j].score = 1.0 if j == target else 0.0


@ROUTING.register("lmetric", reads=("prefix", *_LOAD))
def lmetric(views, ask, codes, weights):
    """The least new prefill tokens x batch size; no parameter to tune (arXiv 2603.15202)."""
    for j in range(len(views)):
        new_tokens = max(ask.input_tokens - ask.block_tokens * views[j].matched_blocks, 1)
        views[j].score = -float(new_tokens * (effective_load(views[j]) + 1))


@ROUTING.register(
    "session-affinity", reads=("session", *_LOAD), spill_load=Bounds(1, 1e9, log=True, default=64, span=(4, 512))
)
def session_affinity(spill_load, views, ask, codes, weights):
    """Where the session went last while that instance is not too loaded, else the least loaded one."""
    for j in range(len(views)):
        load = effective_load(views[j])
        views[j].score = 1.0 if views[j].session_home and load < spill_load else -float(load)
