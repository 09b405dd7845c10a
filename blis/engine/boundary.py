"""The first and the last thing a run does: set all records to their start, and write its results into columns."""

from __future__ import annotations

from blis.engine import agenda, links
from blis.engine.columns import (
    COMPLETED_US,
    E2E_US,
    FIRST_STEP,
    FIRST_TOKEN_US,
    GENERATED_TOKENS,
    LAST_STEP,
    QUEUED_US,
    REASON,
    ROUTED_US,
    SCHEDULED_US,
    STATUS,
    TTFT_US,
)
from blis.engine.follow_ups import e2e_us
from blis.engine.in_flight import note_admitted, note_sent
from blis.engine.records import ANONYMOUS, AWAY, DECODE, LOCAL, NEVER_US, NONE
from blis.jit import kernel
from blis.tables.records import COMPLETED, IN_TRANSIT, NOT_ARRIVED, REJECTED, RUNNING


@kernel
def reset(w):
    """Nothing has arrived, every cache is one run of empty blocks. Arrays may hold anything before."""
    for r in range(len(w.requests)):
        w.requests[r].status = NOT_ARRIVED
        w.times[COMPLETED_US, r] = NONE
        clear_request(w, r)
    for r in range(len(w.retries)):
        w.retries[r] = 0
    for r in range(len(w.gave_up_us)):
        w.gave_up_us[r] = NEVER_US
    agenda.clear(w.agenda)
    for i in range(w.config.instances):
        _reset_instance(w, i)
    w.cluster.unrated = w.config.instances
    w.ask.block_tokens = w.config.index_block_tokens
    w.cluster.run_slots.used = w.config.instances
    w.cluster.run_slots.free = NONE


@kernel
def clear_request(w, r):
    """The request has not been anywhere yet."""
    request = w.requests[r]
    request.instance = NONE
    request.phase = AWAY
    w.times[QUEUED_US, r] = NONE
    w.times[SCHEDULED_US, r] = NONE
    w.times[FIRST_TOKEN_US, r] = NONE
    request.first_step = NONE
    request.last_step = NONE
    request.cached_tokens = NONE
    request.own_run = NONE
    request.generated = 0
    request.latest = 1
    request.computed = 0
    request.preemptions = 0
    request.detached = 0
    request.kv = LOCAL
    if len(w.accepted) > 0:
        w.accepted[r] = 0
    if len(w.adapter_us) > 0:
        w.adapter_us[r] = NONE


@kernel
def _reset_instance(w, i):
    """The instance's own record comes zeroed; the rest is set here."""
    instance = w.instances[i]
    instance.step_us = NEVER_US
    links.clear(instance.queue)
    links.clear(instance.batch)
    links.clear(instance.leaving)
    links.clear(instance.importing)
    links.clear(instance.exporting)
    links.clear(instance.aside)
    links.clear(instance.free)
    instance.log_row = NONE
    links.push_tail(instance.free, w.runs, i)
    run = w.runs[i]
    run.owner = ANONYMOUS
    run.lo = 0
    run.hi = w.engines[i].blocks
    clear_nodes(w, i)
    clear_index(w, i)
    clear_batch(w, i)
    clear_adapters(w, i)


@kernel
def clear_nodes(w, i):
    """Nothing is cached."""
    for s in range(w.nodes.shape[1]):
        node = w.nodes[i, s]
        node.resident = 0
        node.held = 0
        node.full = 0
        node.partial = 0
        node.shallow_run = NONE


@kernel
def clear_index(w, i):
    """The router knows of nothing that is cached."""
    instance = w.instances[i]
    links.clear(instance.index)
    instance.index_used = 0
    instance.index_slots.used = w.config.index_nodes
    instance.index_slots.free = NONE
    for s in range(min(w.prefix_index.shape[1], w.nodes.shape[1])):
        w.prefix_index[i, s].blocks = 0


@kernel
def clear_batch(w, i):
    """Nobody decodes."""
    instance = w.instances[i]
    instance.first_ordered = NONE
    instance.decoding = 0
    instance.decode_base = 0
    for remainder in range(w.ring.shape[1]):
        w.ring[i, remainder] = 0


@kernel
def clear_adapters(w, i):
    """No adapter is in memory, and nobody asks for one."""
    instance = w.instances[i]
    instance.adapters = 0
    instance.idle_size = 0
    instance.outside = 0
    instance.waiting_adapters = 0
    links.clear(instance.idle_adapters)
    for a in range(w.adapters.shape[1]):
        adapter = w.adapters[i, a]
        adapter.members = 0
        adapter.waiting = 0
        adapter.held = 0


@kernel
def report(w):
    """Fill the columns of results: NONE wherever something never happened (engine.md 12.2 and the notes to Q4-Q6)."""
    for r in range(len(w.requests)):
        report_request(w, r)
    _take_back_gaps(w)


@kernel
def report_request(w, r):
    """The columns of one request."""
    request = w.requests[r]
    row = w.rows[r]
    generated = request.generated
    last_step = request.last_step
    if request.phase == DECODE:  # one token in every step since its prefill ended
        last_step = w.instances[request.instance].steps
        generated += last_step - request.base_step
    status = request.status
    if status == NOT_ARRIVED and row.arrival_us <= w.config.horizon_us and r < w.config.requests:
        status = IN_TRANSIT
    delay_us = NONE
    if w.times[SCHEDULED_US, r] != NONE:
        delay_us = w.times[SCHEDULED_US, r] - row.arrival_us
    w.times[6, r] = delay_us
    w.counts[STATUS, r] = status
    w.counts[1, r] = request.instance
    w.counts[2, r] = request.cached_tokens
    w.counts[GENERATED_TOKENS, r] = min(generated, row.output_tokens)
    w.counts[4, r] = request.preemptions
    w.counts[FIRST_STEP, r] = request.first_step
    w.counts[LAST_STEP, r] = last_step
    if request.instance == NONE:
        w.times[ROUTED_US, r] = NONE
    if status != REJECTED:
        w.counts[REASON, r] = 0
    if not w.config.behind_horizon and _is_late(w, r):
        _take_back(w, r)
    if row.output_tokens == 0 and not w.config.first_token_without_output:
        w.times[FIRST_TOKEN_US, r] = NONE
    _latencies(w, r)


@kernel
def _is_late(w, r):
    """Whether the request's latest token came out behind the horizon, in the step that passes it."""
    if w.counts[LAST_STEP, r] == NONE:
        return False
    instance = w.instances[w.requests[r].instance]
    passes = w.counts[LAST_STEP, r] == instance.steps and instance.busy_until_us > w.config.horizon_us
    return passes or w.times[COMPLETED_US, r] > w.config.horizon_us


@kernel
def _take_back(w, r):
    """What the step behind the horizon gave a request is not reported: it still runs."""
    request = w.requests[r]
    instance = w.instances[request.instance]
    has_output = w.rows[r].output_tokens > 0
    if request.status == COMPLETED:
        instance.completed -= 1
        instance.batch_size += 1
        w.counts[STATUS, r] = RUNNING
        note_sent(w, request.instance, r)
        if r < w.config.requests:
            note_admitted(w, r)
        w.times[COMPLETED_US, r] = NONE
    w.counts[GENERATED_TOKENS, r] -= request.latest if has_output else 0
    if w.counts[FIRST_STEP, r] == w.counts[LAST_STEP, r]:
        instance.first_tokens -= has_output
        w.times[FIRST_TOKEN_US, r] = NONE
        w.counts[FIRST_STEP, r] = NONE
        w.counts[LAST_STEP, r] = NONE
    else:
        instance.next_tokens -= request.latest
        if len(w.accepted) > 0:
            w.accepted[r] -= request.latest - 1
        w.counts[LAST_STEP, r] -= 1


@kernel
def _take_back_gaps(w):
    """Leave out the long gaps that end in a step taken back; the token before each is then the latest."""
    kept = 0
    for g in range(w.cluster.gap_rows):
        gap = w.gaps[g]
        if gap.to_step > w.counts[LAST_STEP, gap.request]:
            w.counts[LAST_STEP, gap.request] = gap.from_step
            continue
        to = w.gaps[kept]
        to.request = gap.request
        to.from_step = gap.from_step
        to.to_step = gap.to_step
        to.gap_us = gap.gap_us
        kept += 1
    w.cluster.gap_rows = kept


@kernel
def _latencies(w, r):
    """TTFT and E2E. Every token carries the overhead: the k-th is out k overheads after the end of its step (Q6).

    With compat's Q4 the last step of a completed request counts twice, and so does its overhead.
    """
    w.times[TTFT_US, r] = NONE
    w.times[E2E_US, r] = NONE
    arrival_us = w.rows[r].arrival_us
    first_token_us = w.times[FIRST_TOKEN_US, r]
    if first_token_us != NONE:
        w.times[TTFT_US, r] = first_token_us - arrival_us + w.engines[w.requests[r].instance].overhead_us
    if w.counts[STATUS, r] != COMPLETED:
        return
    w.times[E2E_US, r] = e2e_us(w, r)
