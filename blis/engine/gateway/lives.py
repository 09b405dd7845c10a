"""Instances fail and serve again; what becomes of whoever was there; when the router finds out (docs/failures.md)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.agenda import soonest_us
from blis.engine.boundary import clear_index, clear_request
from blis.engine.gateway.asking import tell_failed
from blis.engine.gateway.queue import look_soon
from blis.engine.gateway.records import FAILS, FOUND_OFFLINE, SERVES
from blis.engine.gateway.signals import copy, note_changed
from blis.engine.in_flight import is_over, note_gone, note_left
from blis.engine.instance.life import leave_dead, start, stop
from blis.engine.records import GROW_RUNS, NEVER_US
from blis.jit import kernel
from blis.tables.records import IN_TRANSIT, LOST


@kernel
def next_life_us(w, now_us):
    """When the life of an instance takes its next turn; NEVER_US if that concerns nobody any more.

    now_us: the next event of the control plane, as far as is known.
    """
    concerns = now_us < NEVER_US or w.cluster.waiting > 0 or soonest_us(w.agenda) < NEVER_US
    if not concerns or w.cluster.next_life == len(w.lives):
        return NEVER_US
    return w.lives[w.cluster.next_life].time_us


@kernel
def change_lives(w, now_us):
    """Take all turns of this instant. May halt before any of them."""
    while w.cluster.next_life < len(w.lives) and w.lives[w.cluster.next_life].time_us == now_us:
        turn = w.lives[w.cluster.next_life]
        if turn.kind == SERVES and w.cluster.run_slots.used == len(w.runs):
            w.cluster.halt = GROW_RUNS
            return
        w.cluster.next_life += 1
        _change(w, turn.kind, turn.instance, turn.fails_us, now_us)
        w.cluster.changes += 1
        w.cluster.unrated = w.config.instances
        if w.config.flow_control and w.cluster.waiting > 0:
            look_soon(w, now_us)


@kernel
def _change(w, kind, i, fails_us, now_us):
    """What one turn does."""
    instance = w.instances[i]
    if kind == FAILS:
        _fail(w, i, now_us)
        note_changed(w, i)
    elif kind == SERVES:
        start(w, i)
        instance.fails_us = fails_us
        instance.warm_us = now_us + w.config.warm_up_us
        copy(w, i, w.config.live)
    elif kind == FOUND_OFFLINE:
        instance.offline = 1
        clear_index(w, i)
    else:
        instance.offline = 0


@kernel
def _fail(w, i, now_us):
    """The instance is gone, and with it all who are there, in the order of rows."""
    while w.cluster.first_inside < w.config.requests and is_over(w.requests[w.cluster.first_inside].status):
        w.cluster.first_inside += 1
    end = w.config.requests if w.config.closed else w.cluster.next_admission
    for r in range(w.cluster.first_inside, end):
        request = w.requests[r]
        if request.instance == i and not is_over(request.status):
            leave_dead(w, i, r, now_us)
            lose(w, i, r, now_us)
            w.instances[i].last_event_us = now_us
    if w.instances[i].busy_until_us == now_us:  # a step is broken off, even if nobody is left in it
        w.instances[i].last_event_us = now_us
    stop(w, i)


@kernel
def lose(w, i, r, now_us):
    """The request was on instance i, or should have been: it waits to be sent again, or is lost."""
    w.instances[i].lost += 1
    if not _spend(w, r):
        w.requests[r].status = LOST
        note_left(w, i, r)
        tell_failed(w, r, now_us)
        return
    note_gone(w, i, r)
    if w.requests[r].preemptions > 0:
        _forget_gaps(w, r)
    clear_request(w, r)
    w.requests[r].status = IN_TRANSIT
    heap.push(w.again, 0, w.cluster.again, now_us + (w.config.backoff_us << w.retries[r]), r, r)
    w.cluster.again += 1
    w.retries[r] += 1


@kernel
def earn(w, r):
    """The request is sent; one that is sent for the first time pays for retries."""
    if len(w.retries) > 0 and w.retries[r] == 0:
        w.cluster.saved = min(w.cluster.saved + w.config.retry_budget, w.config.most_saved)


@kernel
def _spend(w, r):
    """Whether the request may be sent once more; then that is paid."""
    if len(w.retries) == 0 or w.retries[r] == w.config.retry_limit or w.cluster.saved < 1.0:
        return False
    w.cluster.saved -= 1.0
    return True


@kernel
def _forget_gaps(w, r):
    """Leave out the long gaps of a request that begins anew."""
    kept = 0
    for g in range(w.cluster.gap_rows):
        gap = w.gaps[g]
        if gap.request == r:
            continue
        to = w.gaps[kept]
        to.request = gap.request
        to.from_step = gap.from_step
        to.to_step = gap.to_step
        to.gap_us = gap.gap_us
        kept += 1
    w.cluster.gap_rows = kept
