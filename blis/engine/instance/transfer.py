"""Prompts that another instance computes: who hands over what to whom, and the KV on its way (docs/disaggregation.md).

Row n + r is the prefill of request r, a request without output on an instance of its own. Its blocks stay there until
the instance that generates has fetched them, which first has to have room for them.
"""

from __future__ import annotations

from blis.engine import heap, links
from blis.engine.agenda import note
from blis.engine.boundary import clear_request
from blis.engine.cache.kv import fill, release
from blis.engine.columns import ASKED_US, MOVED_BLOCKS, ROUTED_US, SCHEDULED_US, THERE_US
from blis.engine.in_flight import note_sent
from blis.engine.instance.latency import count_prefill
from blis.engine.instance.queue import join_batch
from blis.engine.instance.service import charge
from blis.engine.records import (
    COMING,
    GROW_RUNS,
    HANDED,
    HELD,
    HERE,
    LANDED,
    LOCAL,
    NEVER_US,
    NONE,
    PAUSED,
    PREFILL,
    REMOTE,
    SENT,
)
from blis.jit import kernel
from blis.tables.records import IN_TRANSIT, RUNNING


@kernel
def is_prefill(w, r):
    """Whether a row is the prefill of a request, and not a request."""
    return r >= w.config.requests


@kernel
def begin_prefill(w, r, i, now_us):
    """Request r has its prompt computed by instance i: the row of that prefill, which is on its way."""
    row = w.config.requests + r
    clear_request(w, row)
    w.requests[row].status = IN_TRANSIT
    w.requests[row].instance = i
    w.rows[row].arrival_us = w.rows[r].arrival_us
    w.times[ROUTED_US, row] = now_us
    if len(w.order) > 0:
        w.order[row].rank = w.order[r].rank
        w.order[row].victim = w.order[r].victim
        w.order[row].tie = w.order[r].tie
        w.order[row].tenant = w.order[r].tenant
    note_sent(w, i, row)
    return row


@kernel
def queueing_us(w, i, r):
    """How long a request is on its way to the wait queue of instance i."""
    return int(w.engines[i].queueing_us + w.engines[i].queueing_us_token * w.rows[r].input_tokens)


@kernel
def hand_over(w, row, end_us, kv):
    """A prefill is over: its request goes to the instance that generates. kv: REMOTE, or LOCAL if there is none."""
    r = row - w.config.requests
    request = w.requests[r]
    request.kv = kv
    target = w.instances[request.instance]
    reached_us = end_us + queueing_us(w, request.instance, r)
    heap.push(w.transit, request.instance, target.pending, reached_us, HANDED + r, r)
    target.pending += 1
    w.cluster.meets = 1


@kernel
def export(w, i, row, end_us):
    """A prefill on instance i has its prompt computed at `end_us`: its blocks are held until somebody has them."""
    instance = w.instances[i]
    w.requests[row].kv = HELD
    links.push_tail(instance.exporting, w.requests, row)
    instance.exporting_size += 1
    w.cluster.prefilled += 1
    _push(w, end_us + w.config.hold_us, row)
    hand_over(w, row, end_us, REMOTE)


@kernel
def give_up_kv(w, r, now_us):
    """Nobody will fetch the KV of a request."""
    row = w.config.requests + r
    w.requests[r].kv = LOCAL
    if w.requests[row].kv == HELD:
        _take_out(w, row)
        _push(w, now_us, row)
        w.cluster.meets = 1


@kernel
def import_kv(w, i, r, blocks, now_us):
    """Instance i has room for the `blocks` of a prompt that it lacks, and asks for them: the sender's link is next."""
    request = w.requests[r]
    instance = w.instances[i]
    request.kv = COMING
    links.push_tail(instance.importing, w.requests, r)
    instance.importing_size += 1
    row = w.config.requests + r
    w.requests[row].kv = SENT
    _take_out(w, row)
    sender = w.instances[w.requests[row].instance]
    moved_us = (blocks * w.config.block_bytes + w.config.bytes_us - 1) // w.config.bytes_us
    sender.link_us = max(sender.link_us, now_us) + moved_us
    _push(w, sender.link_us + w.config.link_latency_us, r)
    w.handovers[ASKED_US, r] = now_us
    w.handovers[MOVED_BLOCKS, r] = blocks
    w.cluster.meets = 1


@kernel
def end_transfer(w, now_us):
    """The KV of a request has come, or nobody has fetched it for too long. May halt before it."""
    if w.cluster.steps_left == 0:
        w.cluster.halt = PAUSED
        return
    if w.cluster.run_slots.used + w.config.max_path + 8 > len(w.runs):
        w.cluster.halt = GROW_RUNS
        return
    w.cluster.changes += 1
    first = w.transfers[0, 0].request
    heap.remove(w.transfers, 0, w.cluster.transfers, 0)
    w.cluster.transfers -= 1
    _note_links(w)
    r = first - w.config.requests if is_prefill(w, first) else first
    row = w.config.requests + r
    _let_go(w, row, now_us)
    instance = w.instances[w.requests[r].instance]
    if is_prefill(w, first):
        w.requests[r].kv = LOCAL
        _plan_step(instance, now_us)
        return
    w.handovers[THERE_US, r] = now_us
    if w.engines[w.requests[r].instance].schedules_ahead and instance.batch_size > 0:
        w.requests[r].kv = LANDED
        instance.landed += 1
    else:
        w.requests[r].kv = HERE
        instance.arrived += 1
    instance.last_event_us = max(instance.last_event_us, now_us)
    _plan_step(instance, now_us)


@kernel
def see_landed(w, i):
    """Whoever's KV came while a step ran whose successor was chosen already is seen from now on."""
    instance = w.instances[i]
    instance.arrived += instance.landed
    instance.landed = 0
    r = instance.importing.head
    while r != NONE:
        if w.requests[r].kv == LANDED:
            w.requests[r].kv = HERE
        r = w.requests[r].next


@kernel
def admit_arrived(w, i, now_us, places, budget):
    """Whoever's KV has come computes the last token of its prompt, for which it has its blocks; the budget left."""
    instance = w.instances[i]
    r = instance.importing.head
    while instance.arrived > 0 and instance.batch_size < places and budget > 0:
        request = w.requests[r]
        following = request.next
        if request.kv == HERE:
            links.unlink(instance.importing, w.requests, r)
            instance.importing_size -= 1
            instance.arrived -= 1
            w.times[SCHEDULED_US, r] = now_us
            request.kv = LOCAL
            request.status = RUNNING
            request.phase = PREFILL
            request.computed = w.rows[r].input_tokens
            count_prefill(instance.step, w.rows[r].input_tokens - 1, 1)
            charge(w, i, r, 1)
            fill(w, i, r, request.computed // w.config.block_tokens)
            budget -= 1
            join_batch(w, i, r)
            if instance.first_ordered == NONE:
                instance.first_ordered = r
        r = following
    return budget


@kernel
def _let_go(w, row, now_us):
    """The instance of a prefill needs to hold its blocks no more."""
    i = w.requests[row].instance
    instance = w.instances[i]
    links.unlink(instance.exporting, w.requests, row)
    instance.exporting_size -= 1
    release(w, i, row, w.rows[row].input_tokens, False)
    w.requests[row].kv = LOCAL
    instance.last_event_us = max(instance.last_event_us, now_us)
    _plan_step(instance, now_us)


@kernel
def _plan_step(instance, now_us):
    """Something has come that an instance may have waited for."""
    if instance.step_us == NEVER_US and (instance.queue_depth > 0 or instance.arrived > 0):
        instance.step_us = max(now_us, instance.busy_until_us)


@kernel
def _push(w, time_us, row):
    heap.push(w.transfers, 0, w.cluster.transfers, time_us, row, row)
    w.cluster.transfers += 1
    _note_links(w)


@kernel
def _take_out(w, row):
    heap.remove(w.transfers, 0, w.cluster.transfers, heap.find(w.transfers, 0, w.cluster.transfers, row))
    w.cluster.transfers -= 1
    _note_links(w)


@kernel
def _note_links(w):
    """The links do something next when the first of all transfers ends: they stand behind the instances."""
    first_us = w.transfers[0, 0].key if w.cluster.transfers > 0 else NEVER_US
    note(w.agenda, w.config.instances, first_us)
