"""Two rows of one request race for its first token until one has given it, or is lost (docs/hedging.md)."""

from __future__ import annotations

from blis.engine.follow_ups import release_followers
from blis.engine.records import NONE
from blis.jit import kernel
from blis.tables.records import COMPLETED, DROPPED


@kernel
def end_race(w, copy):
    """The race of a copy with its request is over."""
    w.rivals[w.rivals[copy]] = NONE
    w.rivals[copy] = NONE
    k = 0
    while w.races[k] != copy:
        k += 1
    w.cluster.races -= 1
    w.races[k] = w.races[w.cluster.races]


@kernel
def leave_race(w, r, now_us):
    """A row is lost: whoever it races with serves the client alone. Whether there is such."""
    if len(w.rivals) == 0 or w.rivals[r] == NONE:
        return False
    rival = w.rivals[r]
    end_race(w, max(r, rival))
    if w.requests[rival].status == DROPPED:
        return False
    w.serving[min(r, rival)] = rival
    if w.requests[rival].status == COMPLETED:
        release_followers(w, rival, now_us)
    return True
