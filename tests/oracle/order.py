"""Who is served first: the wait queue's order and whom preemption evicts (docs/policies.md section 5)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from blis.config import Compat
from tests.oracle.setup import Setup

if TYPE_CHECKING:
    from tests.oracle.engine import Job


#: Names that `_key` and `priority` know; `fcfs` needs no key.
SCHEDULERS = frozenset(
    {"fcfs", "sjf", "priority-fcfs", "reverse-priority", "shortest-output", "shortest-predicted-output"}
    | {"least-attained-service"}
)
PRIORITIES = frozenset({"constant", "slo-based", "inverted-slo", "class-age", "slo-tiers", "deadline", "slack"})


class QueueOrder:
    """Scheduler and priority policy of one instance."""

    def __init__(self, setup: Setup, compat: Compat) -> None:
        """Start without history."""
        self._setup, self._compat = setup, compat
        self._attained: Counter[int] = Counter()  # tenant -> tokens that this instance has computed for it

    def ordered(self, queue: Sequence[Job]) -> list[Job]:
        """Return the queue as a step finds it."""
        if self._setup.scheduler == "fcfs":
            return list(queue)
        return sorted(queue, key=self.place)

    def computed(self, job: Job, tokens: int) -> None:
        """Note tokens charged as prefill or generated for a member of the batch."""
        self._attained[job.request.tenant] += tokens

    def place(self, job: Job) -> tuple[float, int, str | int]:
        """Return what the queue is sorted by."""
        tie = job.request.request_id if self._compat.ids_as_text else job.first_row
        return self._key(job.of or job), job.request.arrival_us, tie

    def _key(self, job: Job) -> float:
        """Return the scheduler's key; the least is first."""
        match self._setup.scheduler:
            case "sjf":
                return job.prompt_tokens
            case "priority-fcfs":
                return -self.priority(job)
            case "reverse-priority":
                return self.priority(job)
            case "shortest-output":
                return job.output_tokens
            case "shortest-predicted-output":
                return self._predicted_output(job)
            case "least-attained-service":
                return self._attained[job.request.tenant]
        raise ValueError(self._setup.scheduler)

    def _predicted_output(self, job: Job) -> float:
        """Return the output length with log-normal noise: a standard normal by Box and Muller."""
        noise = self._setup.scheduler_parameters.get("noise", 0.5)
        u1, u2 = job.request.draws["length-1"], job.request.draws["length-2"]
        z = math.sqrt(-2 * math.log(1 - u1)) * math.cos(2 * math.pi * u2)
        return job.output_tokens * math.exp(noise * z)

    def priority(self, job: Job) -> float:
        """Return the priority without the part that grows with time alike for all."""
        arrival, given = job.request.arrival_us, self._setup.priority_parameters
        tier = self._setup.tier(job.request.slo_class)
        due = arrival + tier.ttft_ms * 1000
        match self._setup.priority:
            case "constant":
                return 0.0
            case "slo-based":
                return -arrival / 1e6
            case "inverted-slo":
                return arrival / 1e6
            case "class-age":
                return tier.priority - given.get("age_per_s", 0.1) * arrival / 1e6
            case "slo-tiers":
                return tier.weight * tier.priority - given.get("boost_per_minute", 1.0) * arrival / 60e6
            case "deadline":
                return -due / 1e6
            case "slack":
                return -(due - given.get("prefill_us_token", 20.0) * job.prompt_tokens) / 1e6
        raise ValueError(self._setup.priority)


def least_urgent(batch: Sequence[Job], setup: Setup) -> Job:
    """Return whom preemption by priority evicts: the least class priority, the latest arrival, the largest row."""
    return min(
        batch, key=lambda job: (setup.tier(job.request.slo_class).priority, -job.request.arrival_us, -job.first_row)
    )
