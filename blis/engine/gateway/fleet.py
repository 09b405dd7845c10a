"""Instances come and go: started, ready, drained, gone (docs/autoscaling.md)."""

from __future__ import annotations

from blis.engine.agenda import soonest_us
from blis.engine.boundary import clear_index
from blis.engine.gateway.lives import come_up, go_down, lacks_run, limit_life, note_lives
from blis.engine.gateway.records import NOT_THERE
from blis.engine.records import NEVER_US, NONE
from blis.jit import kernel
from blis.tables.records import DRAINING, GONE, LOADING, READY


@kernel
def next_life_us(w, now_us):
    """When the life of an instance takes its next turn; NEVER_US if that concerns nobody any more.

    now_us: the next event of the control plane, as far as is known.
    """
    busy = now_us < NEVER_US or soonest_us(w.agenda) < NEVER_US
    life_us = NEVER_US
    if w.cluster.next_life < len(w.lives) and (busy or w.cluster.waiting > 0):
        life_us = w.lives[w.cluster.next_life].time_us
    fleet_us = w.cluster.next_fleet_us
    if fleet_us < life_us and not busy and not _concerns(w, fleet_us):
        fleet_us = NEVER_US
    return min(life_us, fleet_us)


@kernel
def _concerns(w, fleet_us):
    """Whether a turn of the autoscaler matters though nobody comes or begins a step: one runs, or somebody waits.

    Who waits for an instance that has failed is not helped by a look like those before it, if nobody came or went for
    as long as it looks back.
    """
    for i in range(len(w.fleet)):
        if w.instances[i].busy_until_us >= fleet_us:
            return True
    if w.cluster.waiting == 0 or fleet_us != w.cluster.next_sync_us:
        return w.cluster.waiting > 0
    last_us = w.cluster.decided_us
    if w.cluster.fleet_turns > 0:
        last_us = max(last_us, w.fleet_turns[w.cluster.fleet_turns - 1].time_us)
    if w.cluster.next_life > 0:
        last_us = max(last_us, w.lives[w.cluster.next_life - 1].time_us)
    return w.cluster.synced_us <= last_us + w.scaling[0].memory_us


@kernel
def take_turns(w, now_us):
    """Whoever is ready at this instant, or gone, is. May halt before any of them."""
    for i in range(len(w.fleet)):
        if w.fleet[i].turn_us != now_us:
            continue
        if w.fleet[i].state == LOADING:
            if lacks_run(w):
                return
            _be_ready(w, i, now_us)
        else:
            be_gone(w, i, now_us)


@kernel
def start_one(w, now_us):
    """Start the instance with the lowest number of those that are not there; False without any."""
    for i in range(len(w.fleet)):
        if w.fleet[i].state == GONE:
            w.fleet[i].started_us = now_us
            _note(w, i, LOADING, now_us)
            w.fleet[i].turn_us = now_us + w.scaling[0].load_us
            plan_turn(w)
            return True
    return False


@kernel
def _be_ready(w, i, now_us):
    """The instance serves, unless it is out of order, and the router knows it."""
    _note(w, i, READY, now_us)
    w.instances[i].offline &= ~NOT_THERE
    w.instances[i].failures = 0
    come_up(w, i, NOT_THERE, now_us)
    note_lives(w, now_us)


@kernel
def take_one_away(w, now_us):
    """Who is not ready goes first, the latest to be started before others; then who has the fewest in flight.

    Of equal ones the highest number. Whoever has something to do is given time for it.
    """
    i = _first_to_go(w)
    instance = w.instances[i]
    instance.offline |= NOT_THERE
    clear_index(w, i)
    gone_us = now_us
    if not is_idle(w, i, now_us):
        gone_us = max(now_us + w.scaling[0].drain_us, instance.busy_until_us + 1 if _in_step(w, i, now_us) else 0)
    if gone_us == now_us:
        be_gone(w, i, now_us)
        return
    _note(w, i, DRAINING, now_us)
    w.fleet[i].turn_us = gone_us
    limit_life(w, i, gone_us)
    plan_turn(w)
    note_lives(w, now_us)


@kernel
def _first_to_go(w):
    """The instance that goes next; there is one that loads or is ready."""
    best = NONE
    for i in range(len(w.fleet)):
        if w.fleet[i].state in (LOADING, READY) and (best == NONE or _goes_before(w, i, best)):
            best = i
    return best


@kernel
def _goes_before(w, i, other):
    """Whether instance i goes before one with a lower number, or no later than it."""
    serves, others = w.instances[i].down == 0, w.instances[other].down == 0
    if serves != others:
        return others
    if not serves:
        return w.fleet[i].started_us >= w.fleet[other].started_us
    return in_flight(w, i) <= in_flight(w, other)


@kernel
def in_flight(w, i):
    """Requests that were sent to the instance and have not left it."""
    instance = w.instances[i]
    return instance.routed - instance.completed - instance.dropped - instance.lost - instance.abandoned


@kernel
def be_gone(w, i, now_us):
    """The instance is there no more; who still is on it is lost, or waits to be sent again."""
    _note(w, i, GONE, now_us)
    go_down(w, i, NOT_THERE, now_us)
    note_lives(w, now_us)


@kernel
def is_idle(w, i, now_us):
    """Whether nobody is on the instance or on the way to it."""
    instance = w.instances[i]
    members = instance.batch_size + instance.leaving_size + instance.queue_depth + instance.pending
    return members == 0 and not _in_step(w, i, now_us)


@kernel
def _in_step(w, i, now_us):
    """Whether the instance is in a step that has not ended before this instant."""
    return w.instances[i].down == 0 and w.instances[i].busy_until_us >= now_us


@kernel
def _note(w, i, state, now_us):
    """The instance is in that state from now on; the autoscaler has seen to the room."""
    w.fleet[i].state = state
    w.fleet[i].turn_us = NEVER_US
    turn = w.fleet_turns[w.cluster.fleet_turns]
    turn.time_us = now_us
    turn.instance = i
    turn.state = state
    w.cluster.fleet_turns += 1


@kernel
def plan_turn(w):
    """Find what comes next: a look, or a turn of somebody."""
    next_us = w.cluster.next_sync_us
    for i in range(len(w.fleet)):
        next_us = min(next_us, w.fleet[i].turn_us)
    w.cluster.next_fleet_us = next_us
