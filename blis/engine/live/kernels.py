"""A run that requests join while it goes on: it is taken to an instant, then requests may come from that instant on.

The kernels are those of `run`. Requests come as those that an answer has released do, in the order of a heap, so rows
are places that one after the other may use. Nothing is reported: whoever drives the run looks at the state.
"""

from __future__ import annotations

from blis.engine.agenda import soonest_us
from blis.engine.boundary import report_request, reset
from blis.engine.build.state import State
from blis.engine.gateway.decide import decide, next_event
from blis.engine.gateway.records import GO_ON
from blis.engine.gateway.signals import note_changed, refresh
from blis.engine.in_flight import is_over, note_left
from blis.engine.instance.abort import abort
from blis.engine.records import DONE, FCFS, FRESH, NONE, PAUSED
from blis.engine.reference import refer
from blis.engine.run import TURNS
from blis.engine.world import World
from blis.jit import entry
from blis.tables.records import DROPPED, QUEUED


@entry(World)
def go_on(arrays, until_us):
    """Run all events before `until_us`; returns when the next one is, as far as is known, and what halted it.

    Instances go no further than readings on a grid allow, as where they wait for somebody whom an answer releases.
    """
    w = refer(arrays)
    if w.cluster.halt == FRESH:
        reset(w)
    w.cluster.halt = DONE
    w.cluster.steps_left = -1
    w.cluster.turns_left = TURNS
    while w.cluster.halt == DONE:
        if w.cluster.turns_left == 0:
            w.cluster.halt = PAUSED
            break
        w.cluster.turns_left -= 1
        now_us, event = next_event(w)
        if now_us >= until_us:
            now_us, event = until_us, GO_ON
        refresh(w, now_us, event)
        if event == GO_ON or w.cluster.halt != DONE:
            break
        decide(w, now_us, event)
    decided_us, _ = next_event(w)
    return min(decided_us, soonest_us(w.agenda)), w.cluster.halt


@entry(World)
def give_up(arrays, r):
    """Whoever sent the request of row `r` wants no more of it; whether it is gone, as if it had been dropped there.

    Rows are used again, so a tree gives only its first: who waits in one ends with the next token, and so does who is
    still at the gateway.
    """
    w = refer(arrays)
    request = w.requests[r]
    i = request.instance
    w.rows[r].output_tokens = request.generated + 1
    in_tree = request.status == QUEUED and w.config.queue_order != FCFS
    if i == NONE or in_tree or is_over(request.status):
        return False
    abort(w, i, r, DROPPED)
    w.instances[i].dropped += 1
    w.cluster.changes += 1
    note_left(w, i, r)
    note_changed(w, i)
    return True


@entry(World)
def report_some(arrays, rows):
    """Fill the columns of results of those whose rows these are: nothing more happens to them."""
    w = refer(arrays)
    for k in range(len(rows)):
        report_request(w, rows[k])


def live_until(state: State, until_us: int) -> int:
    """Run all events before `until_us`; returns when the next one is, as far as is known."""
    while True:
        next_event_us, halt = go_on(state.arrays, until_us)
        if halt == DONE:
            return int(next_event_us)
        if halt != PAUSED:
            state.grow(int(halt))
