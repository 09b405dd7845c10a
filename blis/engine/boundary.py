"""The first and the last thing a run does: set all records to their start, and write its results into columns."""

from __future__ import annotations

from blis.engine import links
from blis.engine.records import ANONYMOUS, AWAY, DECODE, NEVER_US, NONE
from blis.jit import kernel
from blis.tables.records import COMPLETED, IN_TRANSIT, NOT_ARRIVED, REJECTED

#: Rows of World.times and World.counts, each one column of a ResultTable, in the order that `report` writes them.
TIMES = (
    "queued_us",
    "scheduled_us",
    "first_token_us",
    "completed_us",
    "ttft_us",
    "e2e_us",
    "scheduling_delay_us",
    "routed_us",
)
COUNTS = ("status", "instance", "cached_tokens", "generated_tokens", "preemptions", "first_step", "last_step", "reason")

# Columns that the control plane writes when it decides; `report` blanks them where it did not.
ROUTED_US = TIMES.index("routed_us")
REASON = COUNTS.index("reason")


@kernel
def reset(w):
    """Nothing has arrived, every cache is one run of empty blocks. Arrays may hold anything before."""
    for r in range(w.config.requests):
        request = w.requests[r]
        request.status = NOT_ARRIVED
        request.instance = NONE
        request.phase = AWAY
        request.queued_us = NONE
        request.scheduled_us = NONE
        request.first_token_us = NONE
        request.completed_us = NONE
        request.first_step = NONE
        request.last_step = NONE
        request.cached_tokens = NONE
        request.own_run = NONE
        request.generated = 0
        request.computed = 0
        request.preemptions = 0
        request.detached = 0
    for i in range(w.config.instances):
        _reset_instance(w, i)
    w.ask.block_tokens = w.config.block_tokens
    w.cluster.run_slots.used = w.config.instances
    w.cluster.run_slots.free = NONE


@kernel
def _reset_instance(w, i):
    """The instance's own record comes zeroed; the rest is set here."""
    instance = w.instances[i]
    instance.step_us = NEVER_US
    links.clear(instance.queue)
    links.clear(instance.batch)
    links.clear(instance.free)
    links.clear(instance.index)
    instance.first_ordered = NONE
    instance.log_row = NONE
    instance.index_slots.used = w.config.index_nodes
    instance.index_slots.free = NONE
    links.push_tail(instance.free, w.runs, i)
    run = w.runs[i]
    run.owner = ANONYMOUS
    run.lo = 0
    run.hi = w.engines[i].blocks
    for s in range(w.nodes.shape[1]):
        node = w.nodes[i, s]
        node.resident = 0
        node.held = 0
        node.full = 0
        node.partial = 0
        node.shallow_run = NONE
    for s in range(min(w.prefix_index.shape[1], w.nodes.shape[1])):
        w.prefix_index[i, s].blocks = 0
    for remainder in range(w.ring.shape[1]):
        w.ring[i, remainder] = 0


@kernel
def report(w):
    """Fill the columns of results: NONE wherever something never happened (engine.md 12.2 and the notes to Q4-Q6)."""
    for r in range(w.config.requests):
        request = w.requests[r]
        row = w.rows[r]
        generated = request.generated
        last_step = request.last_step
        if request.phase == DECODE:  # one token in every step since its prefill ended
            last_step = w.instances[request.instance].steps
            generated += last_step - request.base_step
        status = request.status
        if status == NOT_ARRIVED and row.arrival_us <= w.config.horizon_us:
            status = IN_TRANSIT
        ttft_us = NONE
        if request.first_token_us != NONE:
            ttft_us = request.first_token_us - row.arrival_us + w.engines[request.instance].overhead_us
        delay_us = NONE
        if request.scheduled_us != NONE:
            delay_us = request.scheduled_us - row.arrival_us
        w.times[0, r] = request.queued_us
        w.times[1, r] = request.scheduled_us
        w.times[2, r] = request.first_token_us
        w.times[3, r] = request.completed_us
        w.times[4, r] = ttft_us
        w.times[5, r] = _e2e_us(w, r)
        w.times[6, r] = delay_us
        w.counts[0, r] = status
        w.counts[1, r] = request.instance
        w.counts[2, r] = request.cached_tokens
        w.counts[3, r] = min(generated, row.output_tokens)
        w.counts[4, r] = request.preemptions
        w.counts[5, r] = request.first_step
        w.counts[6, r] = last_step
        if request.instance == NONE:
            w.times[ROUTED_US, r] = NONE
        if status != REJECTED:
            w.counts[REASON, r] = 0


@kernel
def _e2e_us(w, r):
    """From arrival to the last token. Default: the per-token overhead counts once.

    With compat's Q6 every gap carries it, with Q4 the last step counts twice:
    end - arrival + last step + (max(N, 1) + 1) * overhead.
    """
    request = w.requests[r]
    if request.status != COMPLETED:
        return NONE
    overheads = 1
    e2e_us = request.completed_us - w.rows[r].arrival_us
    if w.config.overhead_per_token:
        overheads += max(w.rows[r].output_tokens, 1) - 1
    if w.config.last_gap_twice:
        e2e_us += request.finish_us
        overheads += w.config.overhead_per_token
    return e2e_us + overheads * w.engines[request.instance].overhead_us
