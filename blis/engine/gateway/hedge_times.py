"""Hedging: when copies are due, and when it is known who gives the first token first (docs/hedging.md).

Row n + r is the copy of request r. Whoever is sent first is due first, so those who may be due stand in a list in which
only a place moves. Of the two of a race neither can give a token before its instance does something: so far others may
go on without anybody being cancelled too late.
"""

from __future__ import annotations

from blis.engine.columns import FIRST_TOKEN_US, ROUTED_US
from blis.engine.in_flight import is_over
from blis.engine.instance.step import next_us
from blis.engine.records import NEVER_US, NONE
from blis.jit import kernel
from blis.tables.records import NOT_ARRIVED


@kernel
def is_copy(w, r):
    """Whether a row is the copy of a request."""
    return len(w.rivals) > 0 and r >= w.config.first_asks


@kernel
def is_new_copy(w, r):
    """Whether a row is a copy that has been sent nowhere yet."""
    return is_copy(w, r) and w.requests[r].status == NOT_ARRIVED


@kernel
def barred(w, r):
    """The instance on which a request still is whose copy that row is, NONE for all others: the copy goes elsewhere."""
    if not is_copy(w, r) or is_over(w.requests[r - w.config.first_asks].status):
        return NONE
    return w.requests[r - w.config.first_asks].instance


@kernel
def next_hedge_us(w):
    """When a copy is due or a race is decided next, as far as is known; NEVER_US if none is."""
    if len(w.rivals) == 0:
        return NEVER_US
    while w.cluster.next_watched < w.cluster.watched and not is_due(w, w.cluster.next_watched):
        w.cluster.next_watched += 1
    first_us = NEVER_US
    if w.cluster.next_watched < w.cluster.watched:
        first_us = w.watched[w.cluster.next_watched].key
    for k in range(w.cluster.races):
        first_us = min(first_us, decided_us(w, w.races[k]))
    return first_us


@kernel
def is_due(w, place):
    """Whether a copy is due for who stands in a place of the list, as far as is known.

    He is still where he was sent then, got nothing before, and no copy of him was made.
    """
    r = w.watched[place].request
    due_us = w.watched[place].key
    request = w.requests[r]
    there = request.instance != NONE and w.times[ROUTED_US, r] + w.config.hedge_after_us == due_us
    if is_over(request.status) or not there or not _is_unsent(w, r + w.config.first_asks):
        return False
    return token_us(w, r) >= due_us


@kernel
def _is_unsent(w, copy):
    """Whether a copy has not been sent, and is not about to be."""
    return w.requests[copy].status == NOT_ARRIVED and w.rivals[copy] == NONE


@kernel
def decided_us(w, copy):
    """When the first of the two of a race gives its first token, NEVER_US if that is not known yet."""
    return min(token_us(w, copy), token_us(w, copy - w.config.first_asks))


@kernel
def token_us(w, r):
    """When a row gives its first token, NEVER_US if that is not known yet."""
    return w.times[FIRST_TOKEN_US, r] if w.times[FIRST_TOKEN_US, r] != NONE else NEVER_US


@kernel
def undecided_until_us(w):
    """The instant before which no race is decided that is not known to be."""
    known_us = NEVER_US
    for k in range(w.cluster.races):
        known_us = min(known_us, _silent_until_us(w, w.races[k]))
        known_us = min(known_us, _silent_until_us(w, w.races[k] - w.config.first_asks))
    return known_us


@kernel
def _silent_until_us(w, r):
    """The instant before which a row gives no token that is not known yet: a step takes 1 µs or more."""
    if is_over(w.requests[r].status) or token_us(w, r) < NEVER_US:
        return NEVER_US
    event_us = next_us(w, w.requests[r].instance)
    return event_us + 1 if event_us < NEVER_US else NEVER_US
