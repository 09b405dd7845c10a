"""What the laws are told of a run and its scenario. n requests, I instances, T tenants, R rows of the step log.

Where prompts are computed elsewhere, the prefills stand behind the requests as others do, and n counts them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: A time of an instance, from an instant to before another.
SPAN = np.dtype([("instance", "i8"), ("from_us", "i8"), ("to_us", "i8")])

#: What an instance has.
LIMITS = np.dtype([("blocks", "i8"), ("max_running", "i8"), ("tiers", "i8"), ("drafts", "i8")])

Array = NDArray[Any]


class Run(NamedTuple):
    """What laws are about: columns of the requests, of the results and of the instances."""

    due_us: Array  # [n] arrivals as far as the request table knows them
    input_tokens: Array  # [n]
    output_tokens: Array  # [n]
    predecessor: Array  # [n], like `think_us` without rows where nobody follows anybody
    think_us: Array
    answered_us: Array  # [requests] when the client of each had its answer, NEVER_US: never; no rows as those two
    tenant: Array  # [n]
    moved: Array  # [n] whether its prompt came from elsewhere; no rows if no prompt does
    held: Array  # [I] who holds blocks there and does not run
    status: Array  # [n] this one and the next 14 as ResultTable has them
    instance: Array
    arrival_us: Array
    routed_us: Array
    queued_us: Array
    scheduled_us: Array
    first_token_us: Array
    completed_us: Array
    ttft_us: Array
    e2e_us: Array
    cached_tokens: Array
    generated_tokens: Array
    preemptions: Array
    first_step: Array
    last_step: Array
    accepted: Array  # [n] draft tokens it got; no rows if nobody guesses
    retries: Array  # [n] how often each was sent again; no rows if nobody is
    log: Array  # [R] STEP_LOG
    gaps: Array  # LONG_GAP
    counters: Array  # [I] INSTANCE_COUNTERS
    tenants: Array  # [1 + T, 2] requests and prompt tokens in flight, of everybody and of each; no rows if not counted
    overhead_us: Array  # [I]
    limits: Array  # [I] LIMITS
    outages: Array  # SPAN, when instances were down or not there
    silences: Array  # SPAN, when the router believed so
    fleet: Array  # FLEET_TURN, like `looks` without rows where nobody comes or goes
    looks: Array  # FLEET_LOOK


class Rules(NamedTuple):
    """What a scenario and the switches of `Compat` make of the laws."""

    requests: int  # rows behind these are prefills
    copies_from: int  # rows from this one on are copies
    duration_us: int
    horizon_us: int
    has_horizon: bool
    admission_us: int  # latencies of the control plane
    routing_us: int
    gateway: bool  # requests wait before they are routed
    free_batch: bool  # more may run than the batch holds
    overlap: bool  # steps may go on behind the end of the run
    cut: bool  # of the last step of an instance only what lies before the horizon counts
    busy_at_most: bool  # busy for no longer than the steps say
    behind_horizon: bool
    last_gap_twice: bool
    gaps_end_twice: bool  # the last gap of each request stands twice in its list
    first_token_without_output: bool
    last_scheduling_delay: bool
    decode_tokens_only: bool
    least_instances: int  # that may be there
    most_instances: int
