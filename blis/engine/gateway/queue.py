"""The gateway queue: admitted requests wait until the cluster has room (docs/policies.md section 4).

A look expires those who waited too long, then dispatches one after the other while the detector sees room.
Each dispatch is a routing decision, for which the kernel comes back to its main loop: so a look is a state,
`CLUSTER.looking`, and not a loop.
"""

from __future__ import annotations

from blis.engine import links
from blis.engine.columns import REASON
from blis.engine.follow_ups import sent_again
from blis.engine.gateway.arrivals import row_of
from blis.engine.gateway.asking import tell_failed
from blis.engine.gateway.records import CONCURRENCY, DISPATCHING, NO_LOOK, NOT_THERE, STARTED, UTILIZATION
from blis.engine.gateway.signals import next_news_us
from blis.engine.in_flight import note_refused
from blis.engine.records import NEVER_US, NONE
from blis.jit import kernel
from blis.tables.records import DROPPED, EXPIRED, GATEWAY_FULL, IN_TRANSIT, REJECTED


@kernel
def join_gateway(w, r, now_us):
    """An admitted request joins its flow and the gateway looks, or it is refused because its band is full."""
    _expire(w, now_us)
    band = w.bands[w.traits[r].band]
    if band.waiting >= band.max_requests:
        refuse(w, r, GATEWAY_FULL, now_us)
        return
    _insert(w, w.flows[w.traits[r].band, w.traits[r].tenant], r)
    band.waiting += 1
    w.cluster.waiting += 1
    w.cluster.looking = STARTED
    w.cluster.look_us = now_us


@kernel
def begin_look(w, now_us):
    """Start the look that is due now, if it has not been: the one of an admission is begun there."""
    if w.cluster.looking == NO_LOOK:
        w.cluster.look_us = now_us
        w.cluster.looking = STARTED
    if w.cluster.looking == STARTED:
        _expire(w, now_us)
        w.cluster.looking = DISPATCHING


@kernel
def next_dispatched(w):
    """The request to route now, or NONE if nobody waits or there is no room; then the look is over."""
    if w.cluster.waiting == 0 or not _room(w):
        w.cluster.looking = NO_LOOK
        _plan_next_look(w)
        return NONE
    band = _next_band(w)
    tenants = w.flows.shape[1]
    first = w.bands[band].next_tenant
    best = NONE
    for k in range(tenants):
        tenant = first + k if first + k < tenants else first + k - tenants
        head = w.flows[band, tenant].head
        if head != NONE and (best == NONE or _before(w, head, best)):
            best = head
            if w.config.fair_turns:
                break
    return best


@kernel
def _next_band(w):
    """The most urgent band with somebody; where bands take turns, the most urgent that has something left.

    If none has, a new round begins. Somebody waits.
    """
    first = NONE
    for b in range(len(w.bands)):
        if w.bands[b].waiting == 0:
            continue
        if not w.config.band_turns or w.bands[b].left > 0:
            return b
        if first == NONE:
            first = b
    for b in range(len(w.bands)):
        w.bands[b].left = w.bands[b].weight
    return first


@kernel
def leave_gateway(w, r):
    """The request is routed; it is the first of its flow."""
    take_out(w, r)
    band = w.traits[r].band
    w.bands[band].left -= 1
    tenant = w.traits[r].tenant
    if w.config.fair_turns:
        w.bands[band].next_tenant = tenant + 1 if tenant + 1 < w.flows.shape[1] else 0


@kernel
def withdraw(w, r):
    """Nobody waits for the request any more, which waits at the gateway."""
    take_out(w, r)
    w.requests[r].status = DROPPED
    note_refused(w, r)


@kernel
def look_soon(w, now_us):
    """Something has changed that no instance has done by itself: whoever waits is looked at anew."""
    every_us = w.config.look_every_us
    w.cluster.next_look_us = min(w.cluster.next_look_us, (now_us + every_us - 1) // every_us * every_us)


@kernel
def _room(w):
    """Whether the detector lets one more request through. It looks at all instances there are, whoever is next."""
    instances = _instances(w)
    if instances == 0:
        return False
    if w.config.detector == CONCURRENCY:
        in_flight = 0
        for i in range(w.config.instances):
            in_flight += w.views[i].in_flight if w.instances[i].offline & NOT_THERE == 0 else 0
        return in_flight / (instances * w.config.max_concurrency) < 1.0
    if w.config.detector == UTILIZATION:
        total = 0.0
        for i in range(w.config.instances):
            if w.instances[i].offline & NOT_THERE:
                continue
            view = w.views[i]
            waiting = (view.queue_depth + view.pending) / w.config.queue_threshold
            total += max(waiting, view.kv_utilization / w.config.kv_threshold)
        return total / instances < 1.0
    return True


@kernel
def _instances(w):
    """How many instances there are for the router; 0 where nobody can be sent anywhere and instances come."""
    if len(w.fleet) == 0:
        return w.config.instances
    there = 0
    online = 0
    for i in range(w.config.instances):
        there += w.instances[i].offline & NOT_THERE == 0
        online += w.instances[i].offline == 0
    return there if online > 0 else 0


@kernel
def _expire(w, now_us):
    """Reject who has waited too long, wherever it stands, in the order in which they came."""
    for b in range(len(w.bands)):
        band = w.bands[b]
        while band.ttl_us > 0 and band.oldest < w.cluster.next_admission:
            r = row_of(w, band.oldest)
            if _waits(w, b, r):
                if now_us <= _last_us(w, band):
                    break
                take_out(w, r)
                refuse(w, r, EXPIRED, now_us)
            band.oldest += 1


@kernel
def _waits(w, b, r):
    """Whether a request that admission has decided on is at the gateway, in band b."""
    there = w.requests[r].status == IN_TRANSIT and w.requests[r].instance == NONE and not sent_again(w, r)
    return there and w.traits[r].band == b


@kernel
def _last_us(w, band):
    """The last instant at which the oldest request of a band may still be sent on, or sooner if it is gone."""
    return w.rows[row_of(w, band.oldest)].arrival_us + w.config.admission_latency_us + band.ttl_us


@kernel
def _plan_next_look(w):
    """The next look is at the first instant of its grid at which anything can have changed."""
    if w.cluster.waiting == 0:
        return
    every_us = w.config.look_every_us
    news_us = max(next_news_us(w), w.cluster.look_us + 1)
    for b in range(len(w.bands)):
        if w.bands[b].ttl_us > 0 and w.bands[b].waiting > 0:
            news_us = min(news_us, _last_us(w, w.bands[b]) + 1)
    w.cluster.next_look_us = NEVER_US
    if news_us <= w.config.horizon_us:
        w.cluster.next_look_us = (news_us + every_us - 1) // every_us * every_us


@kernel
def _insert(w, flow, r):
    """Put a request into its flow by rank; most come last."""
    before = flow.tail
    after = NONE
    while before != NONE and _before(w, r, before):
        after = before
        before = w.requests[before].prev
    links.insert(flow, w.requests, r, before, after)


@kernel
def _before(w, r, other):
    """Whether a request goes before another one of its band. Where arrivals are known, no two have the same rank."""
    if w.traits[r].rank != w.traits[other].rank:
        return w.traits[r].rank < w.traits[other].rank
    return w.loops[r].place < w.loops[other].place


@kernel
def take_out(w, r):
    """Take a waiting request out of its flow."""
    band = w.traits[r].band
    links.unlink(w.flows[band, w.traits[r].tenant], w.requests, r)
    w.bands[band].waiting -= 1
    w.cluster.waiting -= 1


@kernel
def refuse(w, r, reason, now_us):
    """Reject a request that was admitted."""
    w.requests[r].status = REJECTED
    w.counts[REASON, r] = reason
    w.cluster.rejected += 1
    note_refused(w, r)
    tell_failed(w, r, now_us)
