"""Hedging: copies are sent, and whoever gives its first token later is cancelled (docs/hedging.md)."""

from __future__ import annotations

from blis.engine import heap
from blis.engine.follow_ups import release_followers
from blis.engine.gateway.clients import take_off
from blis.engine.gateway.hedge_times import decided_us, is_copy, is_due, token_us
from blis.engine.gateway.queue import look_soon
from blis.engine.gateway.races import end_race
from blis.engine.gateway.rank import settle_rank
from blis.engine.in_flight import is_over, note_admitted
from blis.engine.records import DECODE, GROW_RUNS, NONE
from blis.jit import kernel
from blis.tables.records import COMPLETED, IN_TRANSIT


@kernel
def hedge_due(w, now_us):
    """Races that are decided now end, then copies that are due are to be sent. May halt before the end of any race."""
    while True:
        copy = _first_decided(w, now_us)
        if copy == NONE:
            break
        if w.cluster.run_slots.used + w.config.max_path + 6 > len(w.runs):
            w.cluster.halt = GROW_RUNS
            return
        _decide_race(w, copy, now_us)
    while w.cluster.next_watched < w.cluster.watched and w.watched[w.cluster.next_watched].key == now_us:
        if is_due(w, w.cluster.next_watched) and w.cluster.hedges_saved >= 1.0:
            w.cluster.hedges_saved -= 1.0
            copy = w.watched[w.cluster.next_watched].request + w.config.first_asks
            w.rivals[copy] = w.watched[w.cluster.next_watched].request
            heap.push(w.again, 0, w.cluster.again, now_us, copy, copy)
            w.cluster.again += 1
        w.cluster.next_watched += 1


@kernel
def _first_decided(w, now_us):
    """The copy of the lowest row whose race is decided now, NONE if there is none."""
    first = NONE
    for k in range(w.cluster.races):
        if decided_us(w, w.races[k]) == now_us and (first == NONE or w.races[k] < first):
            first = w.races[k]
    return first


@kernel
def _decide_race(w, copy, now_us):
    """Whoever gives its first token now serves the client, the request before its copy; the other is cancelled."""
    r = copy - w.config.first_asks
    loser = copy
    if token_us(w, r) != now_us:
        loser = r
        w.serving[r] = copy
    end_race(w, copy)
    w.cluster.changes += 1
    w.cluster.wasted_tokens += _computed_tokens(w, loser)
    if not is_over(w.requests[loser].status):
        take_off(w, loser, now_us)
        if w.config.flow_control and w.cluster.waiting > 0:
            look_soon(w, now_us)
    if w.requests[w.serving[r]].status == COMPLETED:
        release_followers(w, w.serving[r], now_us)


@kernel
def _computed_tokens(w, r):
    """Tokens of its prompt that have been computed for a row, those of the step that runs among them."""
    request = w.requests[r]
    if request.cached_tokens == NONE:
        return 0
    whole = request.phase == DECODE or request.status == COMPLETED
    return max((w.rows[r].input_tokens if whole else request.computed) - request.cached_tokens, 0)


@kernel
def watch(w, r, now_us):
    """A request is sent: it may be due for a copy later. The first time it pays for copies."""
    if len(w.rivals) == 0 or is_copy(w, r):
        return
    if len(w.retries) == 0 or w.retries[r] == 0:
        w.cluster.hedges_saved = min(w.cluster.hedges_saved + w.config.hedge_budget, w.config.most_hedges)
    entry = w.watched[w.cluster.watched]
    entry.key = now_us + w.config.hedge_after_us
    entry.request = r
    w.cluster.watched += 1


@kernel
def give_up_copy(w, copy):
    """There is no other instance for a copy: it is not made, and costs nothing."""
    w.rivals[copy] = NONE
    w.cluster.hedges_saved = min(w.cluster.hedges_saved + 1.0, w.config.most_hedges)


@kernel
def begin_race(w, copy):
    """A copy is sent: it stands in all orders where its request does."""
    r = copy - w.config.first_asks
    w.requests[copy].status = IN_TRANSIT
    w.rows[copy].arrival_us = w.rows[r].arrival_us
    w.loops[copy].place = w.loops[r].place
    settle_rank(w, copy)
    note_admitted(w, copy)
    w.rivals[r] = copy
    w.races[w.cluster.races] = copy
    w.cluster.races += 1
