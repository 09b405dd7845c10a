"""When clients give up next: whoever came first waits for no longer than those who came later (docs/clients.md).

So no list of them is kept, but the place in the order of arrivals before which nobody waits.
"""

from __future__ import annotations

from blis.engine.follow_ups import e2e_us, first_token_after_us
from blis.engine.gateway.arrivals import row_of
from blis.engine.gateway.hedge_times import next_hedge_us
from blis.engine.in_flight import is_over
from blis.engine.records import NEVER_US
from blis.jit import kernel
from blis.tables.records import COMPLETED


@kernel
def next_due_us(w):
    """When a client gives up next, a copy is due or a race decided, as far as is known; NEVER_US behind the horizon."""
    due_us = next_hedge_us(w)
    timeout_us = w.config.first_token_timeout_us
    if timeout_us > 0:
        w.cluster.first_due = first_waiting(w, w.cluster.first_due, timeout_us, True)
        due_us = place_due_us(w, w.cluster.first_due, timeout_us)
    timeout_us = w.config.timeout_us
    if timeout_us > 0:
        w.cluster.whole_due = first_waiting(w, w.cluster.whole_due, timeout_us, False)
        due_us = min(due_us, place_due_us(w, w.cluster.whole_due, timeout_us))
    return due_us if due_us <= w.config.horizon_us else NEVER_US


@kernel
def place_due_us(w, place, timeout_us):
    """When the client of the request in a place has waited for so long; NEVER_US if nobody has come there."""
    return w.rows[row_of(w, place)].arrival_us + timeout_us if place < w.cluster.next_admission else NEVER_US


@kernel
def first_waiting(w, place, timeout_us, first):
    """The first place from that one on whose client may give up; the next to come, if there is none."""
    while place < w.cluster.next_admission and _is_settled(w, row_of(w, place), timeout_us, first):
        place += 1
    return place


@kernel
def _is_settled(w, r, timeout_us, first):
    """Whether the client will not give up, or has. A token that came may be gone then, if the request is sent again."""
    if w.gave_up_us[r] < NEVER_US:
        return True
    if w.requests[r].status == COMPLETED:
        return has_it(w, r, timeout_us, first)
    if is_over(w.requests[r].status):
        return True
    return first and len(w.retries) == 0 and has_it(w, r, timeout_us, first)


@kernel
def has_it(w, r, timeout_us, first):
    """Whether the first token, or the whole answer, reaches the client before its time is over."""
    if not first:
        return w.requests[r].status == COMPLETED and e2e_us(w, r) < timeout_us
    return first_token_after_us(w, r) < timeout_us
