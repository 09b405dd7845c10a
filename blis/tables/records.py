"""The records that rooms pass to each other: every field with its unit and meaning; status codes."""

from __future__ import annotations

import numpy as np

COMPLETED, RUNNING, QUEUED, IN_TRANSIT, NOT_ARRIVED, REJECTED, DROPPED, LOST, ABANDONED = range(9)
STATUS_NAMES = (
    *("completed", "running", "queued", "in_transit", "not_arrived", "rejected", "dropped", "lost"),
    "abandoned",  # by its client, which has waited for too long
)

# Why a request was rejected.
ADMITTED, POLICY, NO_INSTANCE, GATEWAY_FULL, EXPIRED = range(5)
REASONS = ("", "policy", "no-instance", "gateway-full", "expired")

#: One run of consecutive steps of equal length. All members that decode in a step share its gap.
STEP_LOG = np.dtype(
    [
        ("instance", "i4"),
        ("first_step", "i4"),  # number of the first step of the run; an instance's steps count from 1
        ("count", "i4"),  # steps in the run
        ("gap_us", "i8"),  # end of a step minus end of the step before = its duration
    ],
    align=True,
)

#: A token that came out after its request had been preempted and computed again.
LONG_GAP = np.dtype(
    [
        ("request", "i8"),
        ("from_step", "i8"),  # step that gave the token before
        ("to_step", "i8"),  # step that gave this token; the steps between were not the request's
        ("gap_us", "i8"),  # end of to_step minus end of from_step
    ]
)

#: What one instance did in a run.
INSTANCE_COUNTERS = np.dtype(
    [
        ("routed", "i8"),  # requests sent here
        ("completed", "i8"),
        ("dropped", "i8"),  # could never fit in the KV cache
        ("lost", "i8"),  # that a failure of the instance has ended, some of them sent again
        ("abandoned", "i8"),  # taken off because their clients had given up
        ("queued", "i8"),  # in the wait queue at the end
        ("running", "i8"),  # in the batch at the end
        ("steps", "i8"),
        ("busy_us", "i8"),  # sum of step durations
        ("last_event_us", "i8"),  # time of the last event executed here
        ("input_tokens", "i8"),  # of requests that entered the wait queue
        ("output_tokens", "i8"),  # generated (compat Q5: without first tokens)
        ("prefill_tokens", "i8"),  # charged as prefill compute
        ("preemptions", "i8"),
        ("hit_blocks", "i8"),  # cached blocks attached
        ("miss_blocks", "i8"),  # blocks newly taken, prompt or output
        ("cpu_hit_blocks", "i8"),  # blocks brought back from the second KV tier; neither hits nor misses
        ("offloaded_blocks", "i8"),  # blocks that went there
        ("thrashed_blocks", "i8"),  # of those brought back, within 1 ms after they went
        ("adapter_loads", "i8"),  # LoRA adapters brought to the GPU
        ("adapter_fetches", "i8"),  # of these, from beyond CPU memory
        ("adapter_us", "i8"),  # what steps waited for that
        ("lookup_blocks", "i8"),  # full prompt blocks looked up at first admissions
        ("lookup_hit_blocks", "i8"),  # of these, found in either tier
        ("lookup_cpu_hit_blocks", "i8"),  # of these, found in the second tier
        ("drafted_tokens", "i8"),  # guessed ahead, and checked
        ("again_blocks", "i8"),  # full prompt blocks looked up when a preempted request was admitted again
        ("again_hit_blocks", "i8"),  # of these, found: mostly its own
        ("in_flight_tokens", "i8"),  # prompt tokens of requests sent here that have not left
        ("allocation_failures", "i8"),  # last-token allocations that found no free block (compat Q4)
        ("used_blocks", "i8"),  # blocks with a reference at the end
        ("peak_blocks", "i8"),  # largest number of used blocks after a batch was formed
        ("block_us", "i8"),  # sum over steps of used blocks x duration
        ("queue_sum", "i8"),  # sum over steps of the queue length after the batch was formed
        ("batch_sum", "i8"),  # the same of the batch size
    ]
)

#: One step of an instance: what its latency model knew of it (blis.latency.step), and how long it took.
KEPT_STEP = np.dtype(
    [
        ("instance", "i8"),
        ("number", "i8"),  # 1, 2, … on its instance
        ("start_us", "i8"),
        ("duration_us", "i8"),
        ("prefills", "i8"),
        ("prefill_tokens", "i8"),
        ("prefill_pairs", "i8"),
        ("prefill_context", "i8"),
        ("decodes", "i8"),
        ("decode_context", "i8"),
        ("drafts", "i8"),
    ]
)

# What an instance is to the autoscaler.
LOADING, READY, DRAINING, GONE = range(4)
STATES = ("loading", "ready", "draining", "gone")

#: An instance comes or goes.
FLEET_TURN = np.dtype([("time_us", "i8"), ("instance", "i8"), ("state", "i8")])

#: The autoscaler looks.
FLEET_LOOK = np.dtype(
    [
        ("time_us", "i8"),
        ("current", "i8"),  # instances that load or are ready
        ("recommended", "i8"),  # by the targets, within minimum and maximum
        ("change", "i8"),  # how many come (> 0) or go
    ]
)

#: The state of one instance at one instant, before that instant's events.
SAMPLE = np.dtype(
    [
        ("time_us", "i8"),
        ("queue_depth", "i8"),  # waiting requests
        ("batch_size", "i8"),
        ("used_blocks", "i8"),
        ("pending", "i8"),  # routed here, not yet in the wait queue
        ("rejected", "i8"),  # requests of the whole cluster so far
        ("waiting", "i8"),  # at the gateway of the whole cluster
    ]
)
