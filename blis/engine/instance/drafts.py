"""Speculative decoding: a step checks tokens that were guessed, and gives those out that hold (docs/speculative.md).

A member then stores more than one token a step, and not always as many, so each is looked at in every step.
"""

from __future__ import annotations

import numpy as np

from blis.engine.records import LEAST_ATTAINED
from blis.jit import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_BY_11, _BY_27, _BY_30, _BY_31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@kernel
def accepted(w, i, r, generated):
    """How many draft tokens hold behind so many generated ones: the same whenever, and wherever, they are guessed."""
    chance = _uniform(w.rows[r].uniform, generated)
    count = 0
    while count < w.engines[i].drafts and chance < w.accepts[i, count]:
        count += 1
    return count


@kernel
def _uniform(uniform, position):
    """A number in [0, 1) by a hash (splitmix64, Steele et al. 2014) of a request's own number and a position."""
    bits = np.uint64(uniform * 2.0**53) + np.uint64(position) * _GOLDEN
    bits = (bits ^ (bits >> _BY_30)) * _FIRST
    bits = (bits ^ (bits >> _BY_27)) * _SECOND
    bits = bits ^ (bits >> _BY_31)
    return np.float64(bits >> _BY_11) * 2.0**-53


@kernel
def steps_to_go(w, i, r):
    """In how many steps a member that decodes gets the rest of its tokens."""
    tokens = max(w.rows[r].output_tokens, 1)
    generated = w.requests[r].generated
    if w.engines[i].drafts == 0:
        return tokens - generated
    steps = 0
    while generated < tokens:
        generated += 1 + accepted(w, i, r, generated)
        steps += 1
    return steps


@kernel
def give_accepted(w, i, r):
    """What the step at hand, which is counted, gives a member: one token, and those of its drafts that hold."""
    instance = w.instances[i]
    request = w.requests[r]
    most = w.rows[r].output_tokens - request.generated
    tokens = min(1 + accepted(w, i, r, request.generated), most)
    request.generated += tokens
    request.base_step = instance.steps
    request.latest = tokens
    instance.decode_base += tokens - 1
    instance.next_tokens += tokens - 1
    w.accepted[r] += tokens - 1
    if w.config.queue_order == LEAST_ATTAINED:
        service = w.service[i, w.order[r].tenant]
        service.tokens += tokens
        service.base_steps += 1
