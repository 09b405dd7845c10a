"""Instances fail and serve again; what becomes of whoever was there; when the router finds out (docs/failures.md)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.boundary import clear_index, clear_request
from blis.engine.gateway.asking import tell_failed
from blis.engine.gateway.breakers import note_failure
from blis.engine.gateway.hedge_times import is_copy
from blis.engine.gateway.queue import look_soon
from blis.engine.gateway.races import leave_race
from blis.engine.gateway.records import FAILED, FAILS, FOUND_OFFLINE, SERVES, UNHEARD
from blis.engine.gateway.signals import copy, note_changed
from blis.engine.in_flight import is_over, note_gone, note_left
from blis.engine.instance.life import leave_dead, start, stop
from blis.engine.records import GROW_RUNS
from blis.jit import kernel
from blis.tables.records import DRAINING, IN_TRANSIT, LOST


@kernel
def change_lives(w, now_us):
    """Take all turns of this instant that were settled before the run. May halt before any of them."""
    while w.cluster.next_life < len(w.lives) and w.lives[w.cluster.next_life].time_us == now_us:
        turn = w.lives[w.cluster.next_life]
        if turn.kind == SERVES and lacks_run(w):
            return
        w.cluster.next_life += 1
        _change(w, turn.kind, turn.instance, turn.fails_us, now_us)
        note_lives(w, now_us)


@kernel
def lacks_run(w):
    """Whether there is no room for the blocks of one that begins to serve; the kernel halts for it."""
    lacks = w.cluster.run_slots.used == len(w.runs)
    if lacks:
        w.cluster.halt = GROW_RUNS
    return lacks


@kernel
def note_lives(w, now_us):
    """Somebody has come or gone: everybody looks anew."""
    w.cluster.changes += 1
    w.cluster.unrated = w.config.instances
    if w.config.flow_control and w.cluster.waiting > 0:
        look_soon(w, now_us)


@kernel
def _change(w, kind, i, fails_us, now_us):
    """What one turn does."""
    instance = w.instances[i]
    if kind == FAILS:
        go_down(w, i, FAILED, now_us)
    elif kind == SERVES:
        instance.outage_us = fails_us
        come_up(w, i, FAILED, now_us)
    elif kind == FOUND_OFFLINE:
        instance.offline |= UNHEARD
        clear_index(w, i)
    else:
        instance.offline &= ~UNHEARD
        instance.failures = 0


@kernel
def go_down(w, i, why, now_us):
    """The instance does not serve, for that reason too; whoever is there is lost, or waits to be sent again."""
    instance = w.instances[i]
    serves = instance.down == 0
    instance.down |= why
    if serves:
        _fail(w, i, now_us)
        note_changed(w, i)


@kernel
def come_up(w, i, why, now_us):
    """That is no reason any more; with none left it serves. The caller has seen to room for its blocks."""
    instance = w.instances[i]
    instance.down &= ~why
    if instance.down != 0:
        return
    start(w, i)
    instance.fails_us = instance.outage_us
    if len(w.fleet) > 0 and w.fleet[i].state == DRAINING:
        limit_life(w, i, w.fleet[i].turn_us)
    instance.warm_us = now_us + w.config.warm_up_us
    copy(w, i, w.config.live)


@kernel
def limit_life(w, i, gone_us):
    """The instance is taken away then, unless it fails before, or the run ends."""
    if gone_us <= w.config.horizon_us:
        w.instances[i].fails_us = min(w.instances[i].fails_us, gone_us)


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
    note_failure(w, i, now_us)
    if leave_race(w, r, now_us):
        w.requests[r].status = LOST
        note_left(w, i, r)
        return
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
    heap.push(w.again, 0, w.cluster.again, now_us + (w.config.backoff_us << sent_before(w, r)), r, r)
    w.cluster.again += 1
    w.retries[r] += 1


@kernel
def earn(w, r):
    """The request is sent; one that is sent for the first time pays for retries."""
    if len(w.retries) > 0 and w.retries[r] == 0 and not is_copy(w, r):
        w.cluster.saved = min(w.cluster.saved + w.config.retry_budget, w.config.most_saved)


@kernel
def sent_before(w, r):
    """How often the request has been sent again, it and its copy."""
    if len(w.rivals) == 0:
        return w.retries[r]
    first = r - w.config.first_asks if is_copy(w, r) else r
    return w.retries[first] + w.retries[first + w.config.first_asks]


@kernel
def _spend(w, r):
    """Whether the request may be sent once more; then that is paid."""
    if len(w.retries) == 0 or sent_before(w, r) == w.config.retry_limit or w.cluster.saved < 1.0:
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
