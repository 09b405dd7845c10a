"""Clients whose request has failed ask again, if they do: each attempt is a row of its own (docs/clients.md)."""

from __future__ import annotations

from blis.config.clients import RETRY_AFTER_US
from blis.engine import heap
from blis.engine.records import NEVER_US
from blis.jit import kernel
from blis.tables.records import REJECTED


@kernel
def pay_for_asking(w, r):
    """A request comes; one that is asked for the first time pays for further attempts."""
    if w.config.asks_budget >= 0.0 and r < w.config.first_asks:
        w.cluster.asks_saved = min(w.cluster.asks_saved + w.config.asks_budget, w.config.most_asks)


@kernel
def tell_failed(w, r, now_us):
    """The request is rejected or lost, and its client hears of it, unless it waits no more."""
    if len(w.gave_up_us) == 0 or w.gave_up_us[r] == NEVER_US:
        ask_again(w, r, now_us)


@kernel
def ask_again(w, r, now_us):
    """The client asks again after a pause, if it has an attempt left and may make it."""
    following = r + w.config.first_asks
    if following >= len(w.waits_us) or not _spend(w):
        return
    wait_us = w.waits_us[following]
    if w.requests[r].status == REJECTED and len(w.retry_after_us) > 0 and w.retry_after_us[r] <= RETRY_AFTER_US:
        wait_us = max(wait_us, w.retry_after_us[r])
    w.rows[following].arrival_us = now_us + wait_us
    heap.push(w.releases, 0, w.cluster.released, now_us + wait_us, following, following)
    w.cluster.cut |= now_us + wait_us > w.config.horizon_us
    w.cluster.released += 1


@kernel
def _spend(w):
    """Whether a client may ask once more; then that is paid."""
    if w.config.asks_budget < 0.0:
        return True
    if w.cluster.asks_saved < 1.0:
        return False
    w.cluster.asks_saved -= 1.0
    return True
