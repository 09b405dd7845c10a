"""ResultTable: what happened to every request, and what every instance did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.tables.handovers import Handovers
from blis.tables.records import REASONS, STATUS_NAMES


@dataclass(frozen=True)
class ResultTable:
    """One row a request, in table order; -1 wherever the event never happened.

    Times are absolute microseconds, latencies are microseconds from the request's own arrival.
    """

    status: NDArray[np.int32]  # [n] index into STATUS_NAMES
    arrival_us: NDArray[np.int64]  # [n] the table's own, and of those that follow another when they came
    instance: NDArray[np.int32]  # [n] where it was routed
    queued_us: NDArray[np.int64]  # [n] entered the wait queue (first time)
    scheduled_us: NDArray[np.int64]  # [n] start of the step that admitted it
    first_token_us: NDArray[np.int64]  # [n] end of the step that finished its prompt
    completed_us: NDArray[np.int64]  # [n] end of its last step
    ttft_us: NDArray[np.int64]  # [n]
    e2e_us: NDArray[np.int64]  # [n]
    scheduling_delay_us: NDArray[np.int64]  # [n]
    cached_tokens: NDArray[np.int32]  # [n] prompt tokens found in the prefix cache at the first admission
    generated_tokens: NDArray[np.int32]  # [n]
    preemptions: NDArray[np.int32]  # [n]
    first_step: NDArray[np.int32]  # [n] the instance's step (1, 2, …) whose end gave the first token
    last_step: NDArray[np.int32]  # [n] the step that gave the latest token so far
    routed_us: NDArray[np.int64]  # [n] when its instance was chosen
    retry_after_us: NDArray[np.int64]  # [n] what admission told a rejected request: come back in so long
    reason: NDArray[np.int32]  # [n] why it was rejected, index into REASONS, 0 = it was not
    steps: NDArray[np.void]  # STEP_LOG rows, by instance, then by first_step
    gaps: NDArray[np.void]  # LONG_GAP rows: one for each token that came out late because of a preemption
    instances: NDArray[np.void]  # INSTANCE_COUNTERS, one row an instance
    start_us: int  # the first arrival; with compat's `duration_last_event` 0
    end_us: int  # when the run ended (engine.md 14, row "duration")
    token_overhead_us: NDArray[np.int64]  # [instances] that every token carries, on no clock (Q6)
    last_gap_twice: bool  # compat Q4: the last gap counts twice in the list of a completed request
    samples: NDArray[np.void] | None = None  # [instants, instances] SAMPLE, if they were asked for
    kept_steps: NDArray[np.void] | None = None  # [steps] KEPT_STEP in the order they were run, if they were asked for
    tenants: NDArray[np.void] | None = None  # [1 + tenants] TENANT of everybody and each, if a policy asks for them
    retries: NDArray[np.int32] | None = None  # [n] how often each was sent again, if any may be
    accepted: NDArray[np.int32] | None = None  # [n] draft tokens that each got, if anybody guesses
    fleet: NDArray[np.void] | None = None  # FLEET_TURN rows by time, if instances may come and go
    looks: NDArray[np.void] | None = None  # FLEET_LOOK rows by time, the first at the start
    asked: NDArray[np.int32] | None = None  # [n] how often its client has asked, where clients do more than wait
    gave_up_us: NDArray[np.int64] | None = None  # [n] when it gave up the latest time, if that was the end of it
    attempts: ResultTable | None = None  # [n x attempts] what the servers did, attempt k of request r in row k n + r
    hedged: NDArray[np.bool_] | None = None  # [n] whether a copy was sent, where any may be; in row n + r of `attempts`
    wasted_tokens: int = 0  # of prompts, computed by those who gave their first token too late
    adapter_us: NDArray[np.int64] | None = None  # [n] what steps waited for its adapter when they admitted it
    handovers: Handovers | None = None  # of prompts, where instances have roles
    decisions: NDArray[np.void] | None = None  # [n, instances] what routing saw, if asked for; turn -1: not routed

    @property
    def duration_us(self) -> int:
        """What rates are per: from the first arrival to the end."""
        return max(self.end_us - self.start_us, 0)

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.status)

    def status_names(self) -> list[str]:
        """The status of every row in words."""
        return [STATUS_NAMES[code] for code in self.status]

    def reasons(self) -> list[str]:
        """Why every row was rejected, "" where it was not."""
        return [REASONS[code] for code in self.reason]
