"""Who comes next: those with an arrival of their own in the order of rows, and those that an answer has released.

At one instant the lower row comes first. Where nobody follows anybody, the place in the order of arrivals is the row.
"""

from __future__ import annotations

from blis.engine import heap
from blis.engine.agenda import soonest_us
from blis.engine.follow_ups import shortest_thought_us
from blis.engine.gateway.asking import pay_for_asking
from blis.engine.gateway.rank import settle_rank
from blis.engine.records import NEVER_US, NONE
from blis.jit import kernel


@kernel
def row_of(w, place):
    """The row of the request that was that one to arrive, of those that admission has decided on."""
    return w.line[place] if w.config.closed else place


@kernel
def next_arrival(w):
    """The row of the next request to be decided on, of all that are known to come; NONE if there is none."""
    if not w.config.closed:
        return w.cluster.next_admission if w.cluster.next_admission < w.config.requests else NONE
    while w.cluster.next_opener < w.config.requests and w.loops[w.cluster.next_opener].think_us > 0:
        w.cluster.next_opener += 1
    r = w.cluster.next_opener if w.cluster.next_opener < w.config.requests else NONE
    if w.cluster.released > 0:
        first = w.releases[0, 0]
        if r == NONE or first.key < w.rows[r].arrival_us or (first.key == w.rows[r].arrival_us and first.tie < r):
            return first.request
    return r


@kernel
def take_arrival(w, r):
    """The next request is decided on now: its place in the order of arrivals is known."""
    pay_for_asking(w, r)
    if w.config.closed:
        if w.loops[r].think_us > 0:
            heap.remove(w.releases, 0, w.cluster.released, 0)
            w.cluster.released -= 1
        else:
            w.cluster.next_opener += 1
        w.line[w.cluster.next_admission] = r
        w.loops[r].place = w.cluster.next_admission
        settle_rank(w, r)
    w.cluster.next_admission += 1


@kernel
def settled_us(w):
    """The instant before which nobody comes who is not known yet.

    An answer ends no sooner than the next event of its instance (at that event where steps are scheduled ahead), and
    then its client thinks: none of those who wait for one less long than the shortest thought. So far may instances go
    on without anybody being missed (conservative look-ahead, Chandy and Misra 1979).
    """
    thought_us = shortest_thought_us(w)
    if thought_us == NEVER_US:
        return NEVER_US
    event_us = soonest_us(w.agenda)
    return event_us + thought_us if event_us < NEVER_US else NEVER_US
