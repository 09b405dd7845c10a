"""Instances that are elsewhere: nothing of them is simulated, they say how they stand, and when a request is over.

Whoever is sent to one is in transit until it says how it stands, as of then: it does not know of those who came later.
"""

from __future__ import annotations

from blis.engine import heap
from blis.engine.gateway.decide import choose, send
from blis.engine.gateway.facts import ask_about, is_cold, remember
from blis.engine.gateway.queue import look_soon, withdraw
from blis.engine.gateway.records import DECODE_PROFILE, LOOK, ROUTING
from blis.engine.gateway.signals import copy, note_changed
from blis.engine.in_flight import note_left
from blis.engine.observe import keep_decision
from blis.engine.records import NONE
from blis.engine.reference import refer
from blis.engine.world import World
from blis.jit import entry, kernel
from blis.tables.records import COMPLETED, DROPPED, IN_TRANSIT, RUNNING

#: How long nobody leaves transit by himself: no gateway runs for so long.
AWAY_US = 2**52


@entry(World)
def tell(arrays, i, waiting, running, used_blocks, asked_us):
    """Instance i stands so; it was asked at that instant."""
    w = refer(arrays)
    instance = w.instances[i]
    instance.queue_depth = waiting
    instance.batch_size = running
    instance.used_blocks = used_blocks
    while instance.pending > 0 and w.transit[i, 0].key < asked_us + AWAY_US:
        w.requests[w.transit[i, 0].request].status = RUNNING
        heap.remove(w.transit, i, instance.pending, 0)
        instance.pending -= 1
    copy(w, i, w.config.live)
    w.cluster.unrated = w.config.instances
    _changed(w, i, asked_us)


@entry(World)
def leave(arrays, r, served, now_us):
    """The request of row `r` is over, served or not; it may still wait at the gateway."""
    w = refer(arrays)
    request = w.requests[r]
    i = request.instance
    if i == NONE:
        withdraw(w, r)
        return
    _take_off(w, i, r)
    request.status = COMPLETED if served else DROPPED
    if served:
        w.instances[i].completed += 1
    else:
        w.instances[i].dropped += 1
    note_left(w, i, r)
    _changed(w, i, now_us)


@entry(World)
def send_again(arrays, r, barred, now_us):
    """The instance of the request of row `r` has failed: it goes to another one; returns which, NONE if there is none.

    barred: [I] whether the request may not go there. The caller sees to room in transit.
    """
    w = refer(arrays)
    request = w.requests[r]
    failed = request.instance
    ask_about(w, r, now_us, LOOK if w.config.flow_control else ROUTING)
    left = 0
    for i in range(w.config.instances):
        w.views[i].eligible = w.views[i].eligible and not barred[i]
        left += w.views[i].eligible
    if left == 0:
        return NONE
    i = choose(w, r, DECODE_PROFILE)
    if w.config.keeps_decisions:
        keep_decision(w, r)
    _take_off(w, failed, r)
    w.instances[failed].dropped += 1
    w.instances[failed].in_flight_tokens -= w.rows[r].input_tokens
    request.status = IN_TRANSIT
    remember(w, r, i, DECODE_PROFILE, is_cold(w), False)
    send(w, r, i, NONE, now_us)
    _changed(w, failed, now_us)
    return i


@kernel
def _take_off(w, i, r):
    """The request is not on its way any more."""
    instance = w.instances[i]
    if w.requests[r].status == IN_TRANSIT:
        heap.remove(w.transit, i, instance.pending, heap.find(w.transit, i, instance.pending, r))
        instance.pending -= 1


@kernel
def _changed(w, i, now_us):
    """Policies see it, and so does the gateway queue, not before what it has decided already: news come late."""
    w.cluster.changes += 1
    note_changed(w, i)
    if w.config.flow_control and w.cluster.waiting > 0:
        look_soon(w, max(now_us, w.cluster.decided_us))
