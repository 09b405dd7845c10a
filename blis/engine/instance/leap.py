"""Many steps in one go: while nobody can join, finish or prefill, every step is like the one before (engine.md 16).

Where they even take the same time, one formula does for all of them. Else each is still far less than a plain step:
there is no batch to form, and nobody comes or goes.

The plain way, one `_step` after the other, stays: it runs whenever a caller counts steps, and tests hold
the two equal.
"""

from __future__ import annotations

from blis.engine.cache.blocks import take
from blis.engine.cache.tier import CPU, THRASH_WINDOW_US
from blis.engine.instance.adapters import admissible
from blis.engine.instance.latency import clear, decode_us, step_us
from blis.engine.records import NONE
from blis.jit import kernel


@kernel
def leap(w, i, until_us):
    """Run as many of the next steps as are pure decode, start before `until_us` and end nobody; returns how many.

    The caller has bounded `until_us` by the next arrival in the wait queue, so the queue stays as it is.
    """
    if w.config.keeps_steps or w.instances[i].step_us < w.instances[i].warm_us or not _all_decode(w, i):
        return 0
    return _equal_steps(w, i, until_us) if w.engines[i].constant_while_decoding else _steps(w, i, until_us)


@kernel
def _all_decode(w, i):
    """Whether in the next step everybody decodes and nobody is admitted."""
    instance = w.instances[i]
    engine = w.engines[i]
    members = instance.batch_size
    if members == 0 or instance.first_ordered != NONE or instance.landed > 0:
        return False
    admits = admissible(w, i) + instance.arrived > 0 and members < engine.max_running and members < engine.budget_tokens
    return not admits and members <= engine.budget_tokens


@kernel
def _steps(w, i, until_us):
    """One after the other, for as long as there are blocks and room for what is noted."""
    instance = w.instances[i]
    before = instance.steps
    clear(instance.step)
    instance.step.decodes = instance.batch_size
    last_us = _last_us(w, i)
    while instance.step_us < until_us and instance.steps + 1 < w.finish[i, 0].key and w.cluster.log_rows < len(w.log):
        blocks = w.ring[i, (instance.steps + 1) % w.config.block_tokens]
        duration_us = step_us(w, i)
        end_us = instance.step_us + duration_us
        if blocks > w.engines[i].blocks - instance.used_blocks:
            break
        if end_us > last_us:
            break
        take(w, i, blocks, instance.step_us)
        instance.steps += 1
        count_step(w, i, duration_us)
        log_steps(w, i, 1, duration_us)
        instance.last_event_us = max(instance.last_event_us, instance.step_us)
        instance.step_us = end_us
        instance.busy_until_us = end_us
        if w.tiers[CPU, i].blocks > 0:
            break  # what leaves for a lower tier takes room there, which is looked at before every step
    return instance.steps - before


@kernel
def _equal_steps(w, i, until_us):
    """All at once."""
    instance = w.instances[i]
    members = instance.batch_size
    duration_us = decode_us(w, i, members)
    if duration_us <= 0:
        return 0
    if duration_us < THRASH_WINDOW_US and w.tiers[CPU, i].blocks > 0:
        return 0  # what leaves for a lower tier gets one time, which must be too old to matter when the leap ends
    steps = w.finish[i, 0].key - instance.steps - 1  # the step that ends somebody is a plain one
    steps = min(steps, (until_us - instance.step_us + duration_us - 1) // duration_us)
    steps = min(steps, (_last_us(w, i) - instance.step_us) // duration_us)
    if steps < 2:
        return 0
    steps, blocks, block_steps = _affordable(w, i, steps)
    if steps < 2:
        return 0
    instance.block_us += (instance.used_blocks * steps + block_steps) * duration_us
    take(w, i, blocks, instance.step_us)
    instance.peak_blocks = max(instance.peak_blocks, instance.used_blocks)
    instance.steps += steps
    instance.busy_us += duration_us * steps
    instance.next_tokens += members * steps
    instance.queue_sum += (instance.queue_depth + instance.importing_size) * steps
    instance.batch_sum += members * steps
    instance.step_us += duration_us * steps
    instance.busy_until_us = instance.step_us
    instance.last_event_us = max(instance.last_event_us, instance.step_us - duration_us)
    log_steps(w, i, steps, duration_us)
    return steps


@kernel
def _last_us(w, i):
    """A step that ends later is a plain one: it passes the horizon, or the instance fails before its end."""
    last_us = w.instances[i].fails_us - 1
    return last_us if w.config.behind_horizon else min(last_us, w.config.horizon_us)


@kernel
def _affordable(w, i, steps):
    """How many of the next steps find enough free blocks; the blocks these take; and these summed over steps.

    The last number is the sum over j of the blocks taken by the first j steps. One turn of the ring takes a
    block for every member.
    """
    instance = w.instances[i]
    free = w.engines[i].blocks - instance.used_blocks
    turn = w.config.block_tokens
    turns = min(steps // turn, free // instance.batch_size)
    blocks = turns * instance.batch_size
    done = turns * turn
    in_turn = 0  # blocks of the first k steps of a turn, summed over k
    if turns > 0:
        so_far = 0
        for k in range(turn):
            so_far += w.ring[i, (instance.steps + 1 + k) % turn]
            in_turn += so_far
    block_steps = turns * in_turn + instance.batch_size * turn * (turns * (turns - 1) // 2)
    while done < steps:
        more = w.ring[i, (instance.steps + 1 + done) % turn]
        if blocks + more > free:
            break
        blocks += more
        done += 1
        block_steps += blocks
    return done, blocks, block_steps


@kernel
def count_step(w, i, duration_us):
    """Count a step and what it does. duration_us: as much of it as is reported."""
    instance = w.instances[i]
    instance.busy_us += duration_us
    instance.prefill_tokens += instance.step.prefill_tokens
    instance.next_tokens += instance.step.decodes
    instance.drafted_tokens += instance.step.drafts
    instance.peak_blocks = max(instance.peak_blocks, instance.used_blocks)
    instance.block_us += instance.used_blocks * duration_us
    instance.queue_sum += instance.queue_depth + instance.importing_size
    instance.batch_sum += instance.batch_size


@kernel
def log_steps(w, i, steps, duration_us):
    """Note the gap that all decoding members share in the latest steps; equal consecutive steps are one row."""
    instance = w.instances[i]
    if instance.log_row != NONE and instance.gap_us == duration_us:
        w.log[instance.log_row].count += steps
        return
    instance.gap_us = duration_us
    instance.log_row = w.cluster.log_rows
    instance.log_rows += 1
    row = w.log[w.cluster.log_rows]
    row.instance = i
    row.count = steps
    row.gap_us = duration_us
    w.cluster.log_rows += 1
