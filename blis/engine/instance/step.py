"""One step of an instance in O(1), and advancing an instance through time (engine.md sections 4, 5).

All changes of a step are applied at its start; only the times of its results lie at its end (Q24).
"""

from __future__ import annotations

from blis.engine import heap, links
from blis.engine.cache.blocks import take
from blis.engine.cache.kv import blocks_for, fill, release
from blis.engine.columns import COMPLETED_US, FIRST_TOKEN_US, QUEUED_US
from blis.engine.follow_ups import release_followers
from blis.engine.in_flight import note_gone, note_left
from blis.engine.instance.batch import end_decode, form_batch, next_ordered, stored_tokens, target_tokens
from blis.engine.instance.drafts import give_accepted, steps_to_go
from blis.engine.instance.latency import step_us
from blis.engine.instance.leap import count_step, leap, log_steps
from blis.engine.instance.queue import leave_batch, put
from blis.engine.instance.service import enter_decode
from blis.engine.instance.transfer import export, give_up_kv, hand_over, is_prefill, see_landed
from blis.engine.observe import keep_step
from blis.engine.records import (
    AWAY,
    DECODE,
    DONE,
    GROW_GAPS,
    GROW_LOG,
    GROW_RUNS,
    GROW_STEPS,
    LOCAL,
    NEVER_US,
    NONE,
    PAUSED,
    PREFILL,
    REMOTE,
)
from blis.jit import kernel
from blis.tables.records import COMPLETED, DROPPED, QUEUED


@kernel
def advance(w, i, until_us):
    """Run all events of an instance before `until_us`. May stop early: look at cluster.halt."""
    instance = w.instances[i]
    while True:
        queued_us = w.transit[i, 0].key if instance.pending > 0 else NEVER_US
        if next_us(w, i) >= until_us or w.cluster.meets:
            return
        if w.cluster.turns_left == 0:
            w.cluster.halt = PAUSED
            return
        w.cluster.turns_left -= 1
        w.cluster.changes += 1
        if queued_us <= instance.step_us and not _lets_wait(w, i):  # who is queued at t is seen by the step at t (Q3)
            _take_in(w, i, queued_us)
            continue
        w.cluster.halt = _room_for_step(w, i)
        if w.cluster.halt != DONE:
            return
        if w.cluster.steps_left < 0 and leap(w, i, min(until_us, queued_us)) > 0:
            continue
        w.cluster.steps_left -= 1
        _step(w, i, instance.step_us)


@kernel
def next_us(w, i):
    """When the instance does something next, NEVER_US if nothing is to come."""
    instance = w.instances[i]
    if instance.pending == 0 or _lets_wait(w, i):
        return instance.step_us
    return min(instance.step_us, w.transit[i, 0].key)


@kernel
def _lets_wait(w, i):
    """Whether who comes now is looked at when the step that runs has ended, and not before."""
    return w.engines[i].schedules_ahead and (w.instances[i].batch_size > 0 or w.instances[i].emptied)


@kernel
def _room_for_step(w, i):
    """Whether everything one step can append fits: kernels cannot allocate, so the caller makes room before."""
    if w.cluster.steps_left == 0:
        return PAUSED
    instance = w.instances[i]
    engine = w.engines[i]
    members, waiting = instance.batch_size, instance.queue_depth + instance.arrived
    if engine.schedules_ahead:  # a second formation may follow the first, with all that have come
        members, waiting = 2 * members, waiting + instance.pending
    members += min(waiting, min(engine.budget_tokens, engine.max_running))
    if w.cluster.run_slots.used + members * (w.config.max_path + 6) + 2 > len(w.runs):
        return GROW_RUNS
    if w.cluster.log_rows >= len(w.log):
        return GROW_LOG
    if w.config.keeps_steps and w.cluster.kept_steps >= len(w.kept_steps):
        return GROW_STEPS
    if w.cluster.gap_rows + members > len(w.gaps):
        return GROW_GAPS
    return DONE


@kernel
def _take_in(w, i, queued_us):
    """The next one that has come enters the wait queue."""
    instance = w.instances[i]
    r = w.transit[i, 0].request
    heap.remove(w.transit, i, instance.pending, 0)
    instance.pending -= 1
    _enqueue(w, i, r, queued_us)


@kernel
def _enqueue(w, i, r, now_us):
    """The request enters the wait queue, unless it can never fit in the cache (engine.md 4.4) or is too long."""
    instance = w.instances[i]
    request = w.requests[r]
    instance.last_event_us = max(instance.last_event_us, now_us)
    tokens = w.rows[r].input_tokens
    if not w.config.fit_prompt_only:
        tokens += w.rows[r].output_tokens if w.config.last_gap_twice else max(w.rows[r].output_tokens - 1, 0)
    tokens += w.engines[i].drafts
    too_long = w.rows[r].input_tokens >= w.config.model_tokens
    if too_long or blocks_for(tokens, w.config.block_tokens) > w.engines[i].blocks:
        _drop(w, i, r, now_us)
        return
    request.status = QUEUED
    w.times[QUEUED_US, r] = now_us
    instance.input_tokens += w.rows[r].input_tokens
    put(w, i, r, False)
    if instance.step_us == NEVER_US:
        instance.step_us = max(now_us, instance.busy_until_us)


@kernel
def _drop(w, i, r, now_us):
    """The instance cannot serve the request; whoever has its prompt computed here goes to the one that generates."""
    w.requests[r].status = DROPPED
    w.instances[i].dropped += 1
    w.instances[i].answered_us = min(w.instances[i].answered_us, now_us)
    if is_prefill(w, r):
        note_gone(w, i, r)
        hand_over(w, r, now_us, LOCAL)
        return
    note_left(w, i, r)
    if w.requests[r].kv == REMOTE:
        give_up_kv(w, r, now_us)


@kernel
def _step(w, i, now_us):
    """One step that starts at `now_us`: form the batch, execute, complete, plan the next step."""
    instance = w.instances[i]
    instance.last_event_us = max(instance.last_event_us, now_us)
    instance.emptied = 0
    if w.engines[i].schedules_ahead:
        _end_and_form(w, i, now_us)
    else:
        form_batch(w, i, now_us)
    instance.step_us = NEVER_US
    if instance.batch_size == 0 and (instance.evicted == 0 or instance.queue_depth == 0):
        return  # everything that waited was dropped
    duration_us = step_us(w, i)
    if now_us < instance.warm_us:
        duration_us = int(duration_us * w.config.warm_up_factor)
    duration_us += instance.transfer_us
    end_us = now_us + duration_us
    instance.steps += 1
    if end_us >= instance.fails_us:
        _break_off(w, i, now_us)
        return
    count_step(w, i, duration_us if w.config.behind_horizon else min(duration_us, w.config.horizon_us - now_us))
    log_steps(w, i, 1, duration_us)
    if w.config.keeps_steps:
        keep_step(w, i, now_us, duration_us)
    _give_tokens(w, i, end_us)
    if not w.engines[i].schedules_ahead:
        _retire(w, i)
        _let_go(w, i, now_us, duration_us, end_us)
    instance.first_ordered = next_ordered(w, instance.first_ordered)
    idle = instance.batch_size == 0 and instance.queue_depth == 0 and instance.arrived == 0
    instance.busy_until_us = now_us if idle and w.config.idle_when_batch_empties else end_us
    if not idle:
        instance.step_us = end_us


@kernel
def _break_off(w, i, now_us):
    """The instance fails before the step ends: nobody gets anything of it."""
    instance = w.instances[i]
    instance.step.decodes = 0
    count_step(w, i, instance.fails_us - now_us)
    log_steps(w, i, 1, instance.fails_us - now_us)
    instance.busy_until_us = instance.fails_us
    instance.step_us = instance.fails_us


@kernel
def _end_and_form(w, i, now_us):
    """One step ends and the next one, whose batch was chosen when that began, starts: nobody who came since is in it.

    Whoever got the last token is not in it either, but held blocks and a place at that time. If there was nothing to do
    then, the batch is chosen now.
    """
    instance = w.instances[i]
    _retire(w, i)
    form_batch(w, i, now_us)
    instance.peak_blocks = max(instance.peak_blocks, instance.used_blocks)
    if instance.leaving_size > 0:
        _let_go(w, i, now_us, instance.gap_us, now_us)
    while instance.pending > 0 and w.transit[i, 0].key <= now_us:
        _take_in(w, i, now_us)
    if instance.landed > 0:
        see_landed(w, i)
    if instance.batch_size == 0:
        form_batch(w, i, now_us)


@kernel
def _give_tokens(w, i, end_us):
    """Members whose last missing token is computed give their next token at the end of the step.

    Of those who decode only those with drafts have to be looked at.
    """
    instance = w.instances[i]
    r = instance.first_ordered
    while r != NONE:
        request = w.requests[r]
        if request.phase == PREFILL and request.computed == target_tokens(w, r):
            if request.generated == 0:
                w.times[FIRST_TOKEN_US, r] = end_us
                request.first_step = instance.steps
                instance.first_tokens += w.rows[r].output_tokens > 0
            else:
                gap = w.gaps[w.cluster.gap_rows]
                gap.request = r
                gap.from_step = request.last_step
                gap.to_step = instance.steps
                gap.gap_us = end_us - request.token_us
                w.cluster.gap_rows += 1
                instance.next_tokens += 1
            _start_decoding(w, i, r)
        elif request.phase == DECODE and w.engines[i].drafts > 0:
            give_accepted(w, i, r)
        r = request.next


@kernel
def _start_decoding(w, i, r):
    """From now on the member costs nothing per step: its last step is known, and in which steps it takes a block."""
    instance = w.instances[i]
    request = w.requests[r]
    request.phase = DECODE
    request.generated += 1
    request.base_step = instance.steps
    last_step = instance.steps + steps_to_go(w, i, r)
    stored = stored_tokens(w, r, instance.steps + 1)
    instance.decode_base += stored - (instance.steps + 1)
    if w.engines[i].drafts == 0:
        request.ring = (instance.steps + 1 - stored) % w.config.block_tokens
        w.ring[i, request.ring] += 1
    heap.push(w.finish, i, instance.decoding, last_step, request.sequence, r)
    instance.decoding += 1
    enter_decode(w, i, r)


@kernel
def _retire(w, i):
    """Members whose last token came out in the latest step take part in no more, in batch order."""
    instance = w.instances[i]
    while instance.decoding > 0 and w.finish[i, 0].key == instance.steps:
        r = w.finish[i, 0].request
        end_decode(w, i, r, 0)
        leave_batch(w, i, r)
        links.push_tail(instance.leaving, w.requests, r)
        instance.leaving_size += 1


@kernel
def _let_go(w, i, now_us, duration_us, end_us):
    """They are completed at the end of that step, which took `duration_us`, and give back blocks and places now."""
    instance = w.instances[i]
    while instance.leaving_size > 0:
        r = instance.leaving.head
        links.unlink(instance.leaving, w.requests, r)
        instance.leaving_size -= 1
        request = w.requests[r]
        stored = stored_tokens(w, r, instance.steps + 1)
        if w.config.last_gap_twice and w.rows[r].output_tokens > 0:
            stored = _store_last_token(w, i, r, stored, now_us)
        request.phase = AWAY
        request.status = COMPLETED
        if is_prefill(w, r):
            export(w, i, r, end_us)
        else:
            release(w, i, r, stored, False)
        w.times[COMPLETED_US, r] = end_us
        request.finish_us = duration_us
        request.generated = w.rows[r].output_tokens
        request.last_step = instance.steps
        instance.completed += 1
        instance.answered_us = min(instance.answered_us, end_us)
        if is_prefill(w, r):
            note_gone(w, i, r)
        else:
            note_left(w, i, r)
            if w.config.closed:
                release_followers(w, r, now_us)
        if end_us <= w.config.horizon_us:
            instance.last_event_us = max(instance.last_event_us, end_us)
        else:
            w.cluster.cut = 1


@kernel
def _store_last_token(w, i, r, stored, now_us):
    """Compat Q4: the KV of the last token is stored, too, if a block is free; returns the tokens stored."""
    instance = w.instances[i]
    if stored % w.config.block_tokens == 0:
        if instance.used_blocks == w.engines[i].blocks:
            instance.allocation_failures += 1
            return stored
        take(w, i, 1, now_us)
    fill(w, i, r, (stored + 1) // w.config.block_tokens)
    return stored + 1
