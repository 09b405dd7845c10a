"""What a run keeps for those who look at it afterwards: a time series, and what every decision was made on.

Watching changes nothing, with one exception that is asked for by name: one request may be forced to an
instance, to see what would have become of everybody.
"""

from __future__ import annotations

from dataclasses import dataclass

from blis.config.limits import MAX_TIME_US
from blis.engine.records import GROW_SAMPLES, NEVER_US, NONE
from blis.errors import InputError, check_integer
from blis.jit import kernel


@dataclass(frozen=True)
class Observe:
    """What to keep of a run, and which decision to change.

    sample_us: a sample at every instant k * sample_us (docs/policies.md section 7); 0 = none. decisions: keep
    the router's view of every decision. steps: keep what the latency model knew of each step. forced_row goes to
    forced_instance whatever the policy says; -1 = nobody.
    """

    sample_us: int = 0
    decisions: bool = False
    forced_row: int = NONE
    forced_instance: int = NONE
    steps: bool = False

    def __post_init__(self) -> None:
        """Check the interval, and that both or none of the forced ones are given."""
        check_integer("observe.sample_us", self.sample_us, 0, MAX_TIME_US)
        check_integer("observe.forced_row", self.forced_row, NONE, 2**31 - 1)
        check_integer("observe.forced_instance", self.forced_instance, NONE, 2**31 - 1)
        if (self.forced_row == NONE) != (self.forced_instance == NONE):
            raise InputError("observe: give forced_row and forced_instance, or neither")


#: Keep nothing but the results.
NOTHING = Observe()


@kernel
def take_sample(w, now_us):
    """Note the state of all instances. Halts before it has begun if there is no room."""
    if w.cluster.sample_rows + w.config.instances > len(w.samples):
        w.cluster.halt = GROW_SAMPLES
        return
    for i in range(w.config.instances):
        instance = w.instances[i]
        sample = w.samples[w.cluster.sample_rows]
        sample.time_us = now_us
        sample.queue_depth = instance.queue_depth + instance.importing_size
        sample.batch_size = instance.batch_size
        sample.used_blocks = instance.used_blocks
        sample.pending = instance.pending
        sample.rejected = w.cluster.rejected
        sample.waiting = w.cluster.waiting
        w.cluster.sample_rows += 1


@kernel
def keep_step(w, i, start_us, duration_us):
    """Note what a step consists of and how long it takes; the caller has seen to the room."""
    kept = w.kept_steps[w.cluster.kept_steps]
    step = w.instances[i].step
    kept.instance = i
    kept.number = w.instances[i].steps
    kept.start_us = start_us
    kept.duration_us = duration_us
    kept.prefills = step.prefills
    kept.prefill_tokens = step.prefill_tokens
    kept.prefill_pairs = step.prefill_pairs
    kept.prefill_context = step.prefill_context
    kept.decodes = step.decodes
    kept.decode_context = step.decode_context
    kept.drafts = step.drafts
    w.cluster.kept_steps += 1


@kernel
def sample_wanted(w, now_us):
    """Whether a sample at this instant belongs to the run: when the front end has nothing left to decide."""
    goes_on = w.cluster.cut or w.cluster.waiting > 0 or w.cluster.transfers > 0
    last_us = w.config.horizon_us if goes_on else w.cluster.decided_us
    for i in range(w.config.instances):
        instance = w.instances[i]
        last_us = max(last_us, instance.last_event_us)
        if instance.pending > 0 or instance.step_us < NEVER_US:
            last_us = w.config.horizon_us  # something is to come; beyond the horizon it cuts the run
    return now_us <= last_us


@kernel
def keep_decision(w, r):
    """Note what the router sees of every instance at the moment it decides about request r."""
    for i in range(w.config.instances):
        w.views[i].turn = w.cluster.turn
        w.decisions[r, i] = w.views[i]
