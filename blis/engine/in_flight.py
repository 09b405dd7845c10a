"""Who is in flight: prompt tokens on every instance, and requests and tokens of every tenant.

One call at each turn of a request's life: admitted, sent, left, refused at the gateway; gone, which is not the end of
it. Who left behind the horizon is admitted and sent again.
"""

from __future__ import annotations

from blis.jit import kernel
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, LOST, REJECTED


@kernel
def is_over(status):
    """Whether nobody has anything to do with a request any more."""
    return status in (COMPLETED, REJECTED, DROPPED, LOST, ABANDONED)


@kernel
def note_admitted(w, r):
    """The request is let in."""
    _count_tenant(w, r, 1)


@kernel
def note_sent(w, i, r):
    """The request is routed to instance i."""
    w.instances[i].in_flight_tokens += w.rows[r].input_tokens


@kernel
def note_left(w, i, r):
    """The request is completed, dropped, lost or abandoned on instance i."""
    note_gone(w, i, r)
    _count_tenant(w, r, -1)


@kernel
def note_gone(w, i, r):
    """The request is on instance i no more, and still let in."""
    w.instances[i].in_flight_tokens -= w.rows[r].input_tokens


@kernel
def note_refused(w, r):
    """An admitted request is rejected or abandoned at the gateway."""
    _count_tenant(w, r, -1)


@kernel
def _count_tenant(w, r, one):
    """Row 0 is everybody, row 1 + t is tenant t."""
    if w.config.reads_tenants:
        tokens = w.rows[r].input_tokens * one
        tenant = w.tenants[1 + w.traits[r].tenant]
        tenant.in_flight += one
        tenant.tokens += tokens
        w.tenants[0].in_flight += one
        w.tenants[0].tokens += tokens
