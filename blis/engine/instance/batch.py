"""Batch formation: who gets tokens and KV blocks in a step (engine.md section 6).

No work is done for a member that only decodes. The ring counts, for each remainder of the step number
by the block size, how many decoding members take a new block in such a step. Members are walked one by
one from the first whose place in the order matters (`first_ordered`: it prefills or fills shared
blocks), or from the head of the batch when blocks run out and somebody must be evicted.
"""

from __future__ import annotations

from blis.engine import heap
from blis.engine.cache.blocks import take
from blis.engine.cache.kv import attach, blocks_for, fill, is_ordered, lookup, release, reload
from blis.engine.columns import SCHEDULED_US
from blis.engine.in_flight import note_left
from blis.engine.instance.adapters import admissible, is_barred
from blis.engine.instance.latency import clear, count_prefill
from blis.engine.instance.queue import head, join_batch, leave_batch, put, put_back, set_aside, take_out
from blis.engine.instance.service import charge, leave_decode
from blis.engine.instance.transfer import admit_arrived, import_kv
from blis.engine.records import AWAY, DECODE, NONE, PREFILL, REMOTE
from blis.jit import kernel
from blis.tables.records import DROPPED, QUEUED, RUNNING


@kernel
def form_batch(w, i, now_us):
    """Give every running member its tokens, then admit from the queue. Counts the step's work."""
    instance = w.instances[i]
    instance.evicted = 0
    instance.transfer_us = 0
    clear(instance.step)
    instance.chunk_tokens = w.engines[i].chunk_tokens
    if w.engines[i].whole_lone_prefill and instance.batch_size + instance.leaving_size + instance.queue_depth == 1:
        instance.chunk_tokens = w.engines[i].budget_tokens
    budget = _serve_running(w, i, now_us)
    if instance.evicted == 0:
        _admit(w, i, now_us, budget)
        put_back(w, i)


@kernel
def _outgrown(w, i, r):
    """Whether prompt and generated tokens need more blocks than there are: only compat Q10 lets it come to that."""
    return blocks_for(target_tokens(w, r), w.config.block_tokens) > w.engines[i].blocks


@kernel
def stored_tokens(w, r, step):
    """Tokens of a decoding member with KV stored before `step`: all but its latest one."""
    request = w.requests[r]
    return w.rows[r].input_tokens + request.generated + (step - 1 - request.base_step) - 1


@kernel
def target_tokens(w, r):
    """Tokens to compute before a member in prefill gives its next one: prompt and what it has generated."""
    return w.rows[r].input_tokens + w.requests[r].generated


@kernel
def _serve_running(w, i, now_us):
    """Serve all members in batch order; returns the budget left. Stops when a member had to evict itself.

    Those who decode have their part of the budget before all others.
    """
    instance = w.instances[i]
    engine = w.engines[i]
    remainder = (instance.steps + 1) % w.config.block_tokens
    while True:
        members, blocks, crossing = _demand_of_ordered(w, i, remainder)
        enough = w.ring[i, remainder] + blocks <= engine.blocks - instance.used_blocks
        if enough or not w.config.evicts_by_priority:
            break
        _evict(w, _least_urgent(w, i), i, now_us)
    before = instance.batch_size - members  # all decode: one token each
    if enough:
        take(w, i, w.ring[i, remainder] - crossing, now_us)
        instance.step.decodes = before
        start = instance.first_ordered
    else:
        start = instance.batch.head
    budget = engine.budget_tokens - instance.decoding * (1 + engine.drafts)
    member = start
    while member != NONE:
        tokens = _serve_member(w, i, member, now_us, budget, remainder)
        if tokens == NONE:
            return 0
        budget -= tokens
        member = w.requests[member].next
    return budget


@kernel
def _least_urgent(w, i):
    """The member that goes first when blocks lack."""
    victim = w.instances[i].batch.head
    member = victim
    while member != NONE:
        if w.order[member].victim < w.order[victim].victim:
            victim = member
        member = w.requests[member].next
    return victim


@kernel
def _demand_of_ordered(w, i, remainder):
    """Of the members from the first ordered one on: how many, the blocks they take but for plain decodes, and those.

    Without drafts only the last member of a batch can be short of budget: every other one got all it could use in the
    step before and asks for no more now (engine.md L9).
    """
    instance = w.instances[i]
    engine = w.engines[i]
    members = 0
    budget = engine.budget_tokens - instance.decoding * (1 + engine.drafts)
    blocks = 0
    crossing = 0
    member = instance.first_ordered
    while member != NONE:
        request = w.requests[member]
        members += 1
        if request.phase == DECODE:
            if engine.drafts > 0:
                blocks += _blocks_of_drafts(w, i, member)
            else:
                crossing += request.ring == remainder
        else:
            part = min(min(target_tokens(w, member) - request.computed, instance.chunk_tokens), budget)
            budget -= part
            blocks += blocks_for(request.computed + part, w.config.block_tokens) - blocks_for(
                request.computed, w.config.block_tokens
            )
        member = request.next
    return members, blocks, crossing


@kernel
def _blocks_of_drafts(w, i, r):
    """How many more blocks a member needs for its next token and the drafts behind it."""
    needed = stored_tokens(w, r, w.instances[i].steps + 1) + 1 + w.engines[i].drafts
    return blocks_for(needed, w.config.block_tokens) - blocks_for(w.requests[r].computed, w.config.block_tokens)


@kernel
def _serve_member(w, i, r, now_us, budget, remainder):
    """Give one member its tokens of this step, evicting from the tail while blocks lack.

    Returns what a prefill takes of the budget, NONE if the member went itself.
    """
    instance = w.instances[i]
    engine = w.engines[i]
    request = w.requests[r]
    decodes = request.phase == DECODE
    if decodes:
        tokens = 1
        stored = stored_tokens(w, r, instance.steps + 1)
        blocks = _blocks_of_drafts(w, i, r) if engine.drafts > 0 else 1 if request.ring == remainder else 0
    else:
        stored = request.computed
        tokens = min(min(target_tokens(w, r) - stored, instance.chunk_tokens), budget)
        blocks = blocks_for(stored + tokens, w.config.block_tokens) - blocks_for(stored, w.config.block_tokens)
    while blocks > engine.blocks - instance.used_blocks:
        victim = instance.batch.tail
        _evict(w, victim, i, now_us)
        if victim == r:
            return NONE
    take(w, i, blocks, now_us)
    fill(w, i, r, (stored + tokens) // w.config.block_tokens)
    if decodes:
        instance.step.decodes += 1
        instance.step.drafts += engine.drafts
        if engine.drafts > 0:
            request.computed = stored + 1 + engine.drafts
        return 0
    if tokens > 0:
        request.computed += tokens
        count_prefill(instance.step, stored, tokens)
        charge(w, i, r, tokens)
    return tokens


@kernel
def _evict(w, r, i, now_us):
    """Send a member back to the queue; it keeps its tokens and computes their KV again (Q9)."""
    instance = w.instances[i]
    request = w.requests[r]
    stored = withdraw(w, i, r, True)
    if request.phase == DECODE:
        request.generated = stored - w.rows[r].input_tokens + 1
        request.last_step = instance.steps
        request.token_us = now_us  # the step before ended when this one starts
    request.phase = AWAY
    request.status = QUEUED
    request.computed = 0
    request.detached = 0
    request.preemptions += 1
    instance.preemptions += 1
    instance.evicted += 1
    if instance.batch_size + instance.leaving_size == 0 and _outgrown(w, i, r):
        _drop_outgrown(w, i, r)  # it had the whole cache; among others that come back it would never end
        return
    put(w, i, r, True)


@kernel
def withdraw(w, i, r, evicted):
    """Take a member out of the batch, with its blocks, in whatever phase it is; its tokens that were stored."""
    instance = w.instances[i]
    stored = w.requests[r].computed
    if w.requests[r].phase == DECODE:
        stored = end_decode(w, i, r, heap.find(w.finish, i, instance.decoding, r))
    leave_batch(w, i, r)
    release(w, i, r, stored, evicted)
    return stored


@kernel
def end_decode(w, i, r, place):
    """A member decodes no more; its tokens that are stored. place: in the heap of those that decode."""
    instance = w.instances[i]
    stored = stored_tokens(w, r, instance.steps + 1)
    heap.remove(w.finish, i, instance.decoding, place)
    instance.decoding -= 1
    instance.decode_base -= stored - (instance.steps + 1)
    if w.engines[i].drafts == 0:
        w.ring[i, w.requests[r].ring] -= 1
    leave_decode(w, i, r)
    return stored


@kernel
def _drop_outgrown(w, i, r):
    """Give up a request that has outgrown the cache."""
    w.requests[r].status = DROPPED
    w.instances[i].dropped += 1
    note_left(w, i, r)


@kernel
def _admit(w, i, now_us, budget):
    """Admit from the head of the queue until budget, places or blocks run out; a head that fails blocks all.

    Whoever's adapter would be one too many is set aside, and blocks nobody. Whoever's prompt is computed elsewhere asks
    for its KV where others are admitted, with blocks for all that it lacks.
    """
    instance = w.instances[i]
    engine = w.engines[i]
    places = engine.max_running - instance.leaving_size
    if instance.arrived > 0:
        budget = admit_arrived(w, i, now_us, places, budget)
    while admissible(w, i) > 0 and instance.batch_size < places and budget > 0:
        r, position = head(w, i)
        if is_barred(w, i, r):
            set_aside(w, i, r, position)
            continue
        request = w.requests[r]
        outgrown = instance.batch_size + instance.leaving_size == 0 and _outgrown(w, i, r)
        target = target_tokens(w, r)
        free_hit = w.config.free_full_hit and request.generated == 0
        limit = (target if free_hit else target - 1) // w.config.block_tokens
        cached, cached_free, lower = lookup(w, i, r, limit)
        start = cached * w.config.block_tokens
        remote = request.kv == REMOTE
        tokens = target - start if remote else min(min(target - start, instance.chunk_tokens), budget)
        blocks = blocks_for(tokens, w.config.block_tokens)
        must_fit = blocks_for(target - start, w.config.block_tokens) if engine.reserves_prompt else blocks
        if not outgrown and tokens > 0 and must_fit + lower > engine.blocks - instance.used_blocks - cached_free:
            return
        take_out(w, i, r, position)
        if outgrown:
            _drop_outgrown(w, i, r)
            continue
        _count_lookup(w, i, r, cached, lower)
        if remote:
            instance.hit_blocks += cached
            attach(w, i, r, cached)
            take(w, i, blocks, now_us)
            import_kv(w, i, r, blocks, now_us)
            continue
        _note_admission(w, r, now_us)
        request.computed = start + tokens
        count_prefill(instance.step, 0 if w.config.free_context else start, tokens)
        charge(w, i, r, tokens)
        request.detached = tokens == 0
        if request.detached:
            request.filled = 0
            request.frontier = w.rows[r].path_end
            tokens = 1  # it costs nothing to compute, but takes its place in the budget
        else:
            instance.hit_blocks += cached - lower
            attach(w, i, r, cached - lower)
            if lower > 0:
                reload(w, i, r, cached, lower, now_us)
            take(w, i, blocks + lower, now_us)
            instance.miss_blocks -= lower
            fill(w, i, r, request.computed // w.config.block_tokens)
        budget -= tokens
        join_batch(w, i, r)
        if instance.first_ordered == NONE:
            instance.first_ordered = r


@kernel
def _count_lookup(w, i, r, cached, lower):
    """Count what was looked up; a request that comes back after a preemption finds its own blocks: counted apart."""
    instance = w.instances[i]
    request = w.requests[r]
    prompt_blocks = w.rows[r].input_tokens // w.config.block_tokens
    found = min(cached, prompt_blocks)
    if request.preemptions > 0:
        instance.again_blocks += prompt_blocks
        instance.again_hit_blocks += found
    else:
        instance.lookup_blocks += prompt_blocks
        instance.lookup_hit_blocks += found
        instance.lookup_cpu_hit_blocks += found - min(cached - lower, prompt_blocks)
    if w.times[SCHEDULED_US, r] == NONE:
        request.cached_tokens = min(cached * w.config.block_tokens, w.rows[r].input_tokens)


@kernel
def _note_admission(w, r, now_us):
    """The request runs, and has its prompt computed."""
    request = w.requests[r]
    if w.times[SCHEDULED_US, r] == NONE or w.config.last_scheduling_delay:
        w.times[SCHEDULED_US, r] = now_us
    request.status = RUNNING
    request.phase = PREFILL
    request.latest = 1


@kernel
def next_ordered(w, r):
    """The first member from `r` on whose place in the batch matters."""
    while r != NONE and not is_ordered(w, r):
        r = w.requests[r].next
    return r
