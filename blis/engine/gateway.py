"""The control plane: admission and routing decisions, and how fresh the router's view is.

Cluster-and-policies.md section 2; freshness of signals: default-problem.md section 1.
"""

from __future__ import annotations

from blis.engine import heap
from blis.engine.prefix_index import matched_blocks, record
from blis.engine.records import DONE, GROW_TRANSIT, NEVER_US
from blis.engine.step import advance
from blis.jit import kernel
from blis.policies.admission import ADMISSION
from blis.policies.routing import ROUTING
from blis.schema import IN_TRANSIT, REJECTED

_admits = ADMISSION.dispatcher()
_rate = ROUTING.dispatcher()

# Signals of an instance, as bits of one reading.
_QUEUE, _BATCH, _KV, _PENDING = 1, 2, 4, 8


@kernel
def next_decision(w):
    """Time of the next control-plane decision and whether it is an admission; admissions go first at a tie."""
    admission_us = NEVER_US
    if w.cluster.next_admission < w.config.requests:
        admission_us = w.rows[w.cluster.next_admission].arrival_us + w.config.admission_latency_us
    while w.cluster.next_routing < w.cluster.next_admission and w.requests[w.cluster.next_routing].status == REJECTED:
        w.cluster.next_routing += 1
    routing_us = NEVER_US
    if w.cluster.next_routing < w.cluster.next_admission:
        routing_us = (
            w.rows[w.cluster.next_routing].arrival_us + w.config.admission_latency_us + w.config.routing_latency_us
        )
    return min(admission_us, routing_us), admission_us <= routing_us


@kernel
def admit(w, now_us):
    """Decide on the next arrival."""
    r = w.cluster.next_admission
    if _admits(w.config.admission, w.params, w.memory, now_us, w.rows[r].input_tokens):
        w.requests[r].status = IN_TRANSIT
    else:
        w.requests[r].status = REJECTED
    w.cluster.next_admission += 1


@kernel
def route(w, now_us):
    """Send the next admitted request to the best instance. The view is up to date: `observe` ran before."""
    r = w.cluster.next_routing
    if w.config.reads_prefix:
        for i in range(w.config.instances):
            w.views[i].matched_blocks = matched_blocks(w, i, r)
    prompt_blocks = w.rows[r].input_tokens // w.config.block_tokens
    _rate(w.config.routing, w.weights, w.views, w.cluster.round_robin, prompt_blocks, w.codes, w.weights)
    i = best(w.views, w.rows[r].uniform if w.config.random_ties else 0.0)
    instance = w.instances[i]
    if instance.pending >= w.transit.shape[1]:
        w.cluster.halt = GROW_TRANSIT
        return
    w.cluster.round_robin += 1
    w.cluster.next_routing += 1
    if w.config.reads_prefix:
        record(w, i, r)
    request = w.requests[r]
    request.instance = i
    queued_us = now_us + int(w.config.queueing_us + w.config.queueing_us_token * w.rows[r].input_tokens)
    heap.push(w.transit, i, instance.pending, queued_us, r, r)
    instance.pending += 1
    instance.routed += 1
    instance.last_event_us = max(instance.last_event_us, now_us)


@kernel
def best(views, uniform):
    """The instance with the highest score; of n exactly equal ones number floor(uniform * n) in index order."""
    top = views[0].score
    ties = 1
    for i in range(1, len(views)):
        if views[i].score > top:
            top = views[i].score
            ties = 1
        elif views[i].score == top:
            ties += 1
    skip = min(int(uniform * ties), ties - 1)
    for i in range(len(views)):
        if views[i].score == top:
            if skip == 0:
                return i
            skip -= 1
    return 0


@kernel
def observe(w, now_us):
    """Bring the router's view up to `now_us`. Instances may halt on the way; then call again.

    A signal is read at the latest instant of its grid that is not after now, in the state before that
    instant's events. Between two decisions only the last reading can matter.
    """
    while True:
        due_us, signals = _next_reading(w, now_us)
        if signals == 0:
            break
        advance_all(w, due_us)
        if w.cluster.halt != DONE:
            return
        _read(w, signals, due_us)
    if w.config.reads_pending:
        for i in range(w.config.instances):
            w.views[i].pending = w.instances[i].pending


@kernel
def _next_reading(w, now_us):
    """The earliest instant up to now at which a signal still has to be read, and all signals due at it."""
    earliest_us = NEVER_US
    due = 0
    for signal in (_QUEUE, _BATCH, _KV, _PENDING):
        if signal == _QUEUE:
            reads, age_us, stamp_us = w.config.reads_queue, w.config.queue_age_us, w.cluster.queue_stamp_us
        elif signal == _BATCH:
            reads, age_us, stamp_us = w.config.reads_batch, w.config.batch_age_us, w.cluster.batch_stamp_us
        elif signal == _KV:
            reads, age_us, stamp_us = w.config.reads_kv, w.config.kv_age_us, w.cluster.kv_stamp_us
        else:
            reads, age_us, stamp_us = w.config.reads_pending, 1, w.cluster.pending_stamp_us
        if not reads:
            continue
        if signal == _KV and w.config.kv_lazy:
            due_us = now_us if now_us - stamp_us >= age_us else stamp_us
        else:
            due_us = now_us // age_us * age_us
        if due_us > stamp_us and due_us < earliest_us:
            earliest_us = due_us
            due = 0
        if due_us > stamp_us and due_us == earliest_us:
            due |= signal
    return earliest_us, due


@kernel
def advance_all(w, until_us):
    """Run all events of all instances before `until_us`. May stop early: look at cluster.halt."""
    for i in range(w.config.instances):
        advance(w, i, until_us)
        if w.cluster.halt != DONE:
            return


@kernel
def _read(w, signals, now_us):
    """Copy some signals from the instances to the router's view."""
    for i in range(w.config.instances):
        view = w.views[i]
        instance = w.instances[i]
        if signals & _QUEUE:
            view.queue_depth = instance.queue_depth
        if signals & _BATCH:
            view.batch_size = instance.batch_size
        if signals & _KV:
            view.kv_utilization = instance.used_blocks / w.config.blocks
    if signals & _QUEUE:
        w.cluster.queue_stamp_us = now_us
    if signals & _BATCH:
        w.cluster.batch_stamp_us = now_us
    if signals & _KV:
        w.cluster.kv_stamp_us = now_us
    if signals & _PENDING:
        w.cluster.pending_stamp_us = now_us
