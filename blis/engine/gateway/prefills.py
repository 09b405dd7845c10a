"""Instances fail where prefill and decode are apart: what becomes of prompts and of KV (docs/disaggregation.md)."""

from __future__ import annotations

from blis.engine import links
from blis.engine.cache.kv import release
from blis.engine.columns import ASKED_US, MOVED_BLOCKS
from blis.engine.gateway.breakers import note_failure
from blis.engine.gateway.signals import show
from blis.engine.in_flight import is_over, note_gone
from blis.engine.instance.abort import abort
from blis.engine.instance.life import leave_dead
from blis.engine.instance.queue import put
from blis.engine.instance.transfer import hand_over, let_go, plan_step, prefill_of, request_of, take_out_transfer
from blis.engine.records import GROW_RUNS, HELD, LOCAL, NONE, SENT
from blis.jit import kernel
from blis.tables.records import ABANDONED, LOST


@kernel
def lacks_runs(w, i, first, end):
    """Whether there is too little room for the blocks that others give back when instance i fails; then it halts.

    first, end: rows between which all are who are there.
    """
    if not w.config.apart:
        return False
    met = 0
    for r in range(first, end):
        if not is_over(w.requests[r].status):
            met += w.requests[r].instance == i or w.requests[prefill_of(w, r)].instance == i
    lacks = w.cluster.run_slots.used + met * (w.config.max_path + 8) > len(w.runs)
    if lacks:
        w.cluster.halt = GROW_RUNS
    return lacks


@kernel
def refuse_prefill(w, row, now_us):
    """The instance that was asked for a prompt is down: the one that generates computes it."""
    _lose_row(w, w.requests[row].instance, row, now_us)


@kernel
def lose_prefill(w, i, r, now_us):
    """Instance i has failed, and has done or held something for request r, which generates elsewhere."""
    row = prefill_of(w, r)
    if w.requests[row].instance != i:
        return
    if not is_over(w.requests[row].status):
        leave_dead(w, i, row, now_us)
        _lose_row(w, i, row, now_us)
    elif w.requests[row].kv == HELD:
        take_out_transfer(w, row)
        w.requests[r].kv = LOCAL
    elif w.requests[row].kv == SENT:
        take_out_transfer(w, r)
        _wait_anew(w, r, now_us)
    w.requests[row].kv = LOCAL
    show(w, w.requests[r].instance)


@kernel
def end_prefill(w, r, now_us):
    """The instance that generates has failed: what another one does or holds for the request is for nobody."""
    row = prefill_of(w, r)
    prefill = w.requests[row]
    if prefill.instance == NONE:
        return
    i = prefill.instance
    if not is_over(prefill.status):
        abort(w, i, row, ABANDONED)
        w.instances[i].abandoned += 1
        w.instances[i].last_event_us = max(w.instances[i].last_event_us, now_us)
        note_gone(w, i, row)
        show(w, i)
    elif prefill.kv in (HELD, SENT):
        take_out_transfer(w, row if prefill.kv == HELD else r)
        let_go(w, row, now_us)
        show(w, i)


@kernel
def _lose_row(w, i, row, now_us):
    """A prefill ends on instance i, or before it has begun there."""
    w.requests[row].status = LOST
    w.instances[i].lost += 1
    w.instances[i].last_event_us = max(w.instances[i].last_event_us, now_us)
    note_failure(w, i, now_us)
    note_gone(w, i, row)
    hand_over(w, row, now_us, LOCAL)
    show(w, w.requests[request_of(w, row)].instance)


@kernel
def _wait_anew(w, r, now_us):
    """The KV that a request waits for will not come: it gives back its blocks, and is the first in its queue."""
    request = w.requests[r]
    i = request.instance
    instance = w.instances[i]
    links.unlink(instance.importing, w.requests, r)
    instance.importing_size -= 1
    request.kv = LOCAL
    request.computed = w.rows[r].input_tokens
    release(w, i, r, request.filled * w.config.block_tokens, False)
    request.computed = 0
    request.cached_tokens = NONE
    w.handovers[ASKED_US, r] = NONE
    w.handovers[MOVED_BLOCKS, r] = NONE
    put(w, i, r, True)
    plan_step(instance, now_us)
