"""Clients that have waited for too long give up; where servers notice, their requests go (docs/clients.md)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.follow_ups import sent_again
from blis.engine.gateway.arrivals import row_of
from blis.engine.gateway.asking import ask_again
from blis.engine.gateway.due import first_waiting, has_it, place_due_us
from blis.engine.gateway.queue import look_soon, take_out
from blis.engine.gateway.signals import show
from blis.engine.in_flight import is_over, note_left, note_refused
from blis.engine.instance.abort import abort
from blis.engine.records import GROW_RUNS, NONE
from blis.jit import kernel
from blis.tables.records import ABANDONED


@kernel
def give_up_due(w, now_us):
    """All whose time is over give up: those who lack a first token, then the others. May halt before any of them."""
    if w.config.first_token_timeout_us > 0:
        w.cluster.first_due = _give_up_from(w, w.cluster.first_due, w.config.first_token_timeout_us, True, now_us)
    if w.config.timeout_us > 0 and w.cluster.halt != GROW_RUNS:
        w.cluster.whole_due = _give_up_from(w, w.cluster.whole_due, w.config.timeout_us, False, now_us)


@kernel
def _give_up_from(w, place, timeout_us, first, now_us):
    """Those from a place on who wait until now; the place of the next one."""
    while True:
        place = first_waiting(w, place, timeout_us, first)
        if place_due_us(w, place, timeout_us) != now_us:
            return place
        r = row_of(w, place)
        if not has_it(w, r, timeout_us, first):
            if w.config.cancels and w.cluster.run_slots.used + w.config.max_path + 6 > len(w.runs):
                w.cluster.halt = GROW_RUNS
                return place
            _give_up(w, r, now_us)
        place += 1


@kernel
def _give_up(w, r, now_us):
    """The client of request r waits no more."""
    w.gave_up_us[r] = now_us
    w.cluster.decided_us = now_us
    w.cluster.changes += 1
    if w.config.cancels and not is_over(w.requests[r].status):
        _abandon(w, r, now_us)
        if w.config.flow_control and w.cluster.waiting > 0:
            look_soon(w, now_us)
    ask_again(w, r, now_us)


@kernel
def _abandon(w, r, now_us):
    """The request is taken off wherever it is."""
    if w.requests[r].instance != NONE:
        take_off(w, r, now_us)
        return
    if sent_again(w, r):
        heap.remove(w.again, 0, w.cluster.again, heap.find(w.again, 0, w.cluster.again, r))
        w.cluster.again -= 1
    elif w.config.flow_control:
        take_out(w, r)
    w.requests[r].status = ABANDONED
    note_refused(w, r)


@kernel
def take_off(w, r, now_us):
    """The request leaves the instance where it is."""
    i = w.requests[r].instance
    abort(w, i, r, ABANDONED)
    w.instances[i].abandoned += 1
    w.instances[i].last_event_us = max(w.instances[i].last_event_us, now_us)
    note_left(w, i, r)
    show(w, i)
