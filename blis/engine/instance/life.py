"""An instance fails and is gone, and later it serves again, with nothing in its caches."""

from __future__ import annotations

from blis.engine import links
from blis.engine.boundary import clear_adapters, clear_batch, clear_nodes
from blis.engine.cache.runs import new_run, recycle
from blis.engine.cache.signal import note_change
from blis.engine.cache.tier import CPU, node_owner, request_owner
from blis.engine.records import ANONYMOUS, AWAY, DECODE, NEVER_US, NONE
from blis.jit import kernel


@kernel
def leave_dead(w, i, r, now_us):
    """The request leaves an instance that is down, with the tokens that it has got."""
    request = w.requests[r]
    instance = w.instances[i]
    if request.phase == DECODE:
        broken_off = instance.busy_until_us == now_us  # every other step ended before
        request.last_step = instance.steps - broken_off
        request.generated += request.last_step - request.base_step
    request.phase = AWAY
    request.own_run = NONE
    if w.tiers[CPU, i].blocks > 0:
        below = w.below[CPU, request_owner(w, r)]
        below.reach = 0
        below.shallow_run = NONE


@kernel
def stop(w, i):
    """Nobody is there any more. What its caches hold is looked at by those who have read it, until it serves again."""
    instance = w.instances[i]
    instance.step_us = NEVER_US
    instance.pending = 0
    instance.queue_depth = 0
    instance.batch_size = 0
    instance.emptied = 0
    instance.used_blocks = 0
    links.clear(instance.queue)
    links.clear(instance.batch)
    clear_batch(w, i)
    for t in range(w.service.shape[1]):
        service = w.service[i, t]
        service.tokens = 0
        service.charged_tokens = 0
        service.charged_step = 0
        service.decoding = 0
        service.base_steps = 0
        service.root = NONE


@kernel
def start(w, i):
    """It serves again. The caller has seen to room for one run of blocks."""
    instance = w.instances[i]
    _recycle_all(w, instance.free)
    for s in range(w.nodes.shape[1]):
        note_change(w, i, s)
    clear_nodes(w, i)
    clear_adapters(w, i)
    if w.tiers[CPU, i].blocks > 0:
        _clear_tier(w, i)
    links.push_tail(instance.free, w.runs, new_run(w, ANONYMOUS, 0, w.engines[i].blocks))


@kernel
def _clear_tier(w, i):
    """Nothing is in the tier below the GPU."""
    _recycle_all(w, w.tiers[CPU, i].lru)
    w.tiers[CPU, i].used_blocks = 0
    for s in range(w.nodes.shape[1]):
        below = w.below[CPU, node_owner(w, i, s)]
        below.reach = 0
        below.shallow_run = NONE


@kernel
def _recycle_all(w, ends):
    """Give back all runs of a list."""
    while ends.head != NONE:
        run = ends.head
        links.unlink(ends, w.runs, run)
        recycle(w, run)
