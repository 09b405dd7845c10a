"""The shared clock, the front end's pipeline, and the result (cluster-and-policies.md section 2)."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from blis.config import Compat
from blis.schema import IN_TRANSIT, REJECTED, STATUS_NAMES
from tests.oracle.engine import QUEUED_EVENT, Engine, Job
from tests.oracle.requests import BlockKeys, OracleRequest
from tests.oracle.router import Admission, Router, View
from tests.oracle.setup import Setup

ARRIVAL, ADMISSION, ROUTING = range(3)  # front-end events; also their order at equal times (2.1)


@dataclass(frozen=True)
class OracleResult:
    """The fields of `blis.results.ResultTable` as lists; the token gaps as one explicit list a request."""

    status: list[int]
    instance: list[int]
    queued_us: list[int]
    scheduled_us: list[int]
    first_token_us: list[int]
    completed_us: list[int]
    ttft_us: list[int]
    e2e_us: list[int]
    scheduling_delay_us: list[int]
    cached_tokens: list[int]
    generated_tokens: list[int]
    preemptions: list[int]
    first_step: list[int]
    last_step: list[int]
    itl_us: list[list[int]]
    instances: list[dict[str, int]]  # names of blis.schema.INSTANCE_COUNTERS
    end_us: int
    token_overhead_us: int
    last_gap_twice: bool

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.status)

    def status_names(self) -> list[str]:
        """Return the status of every row in words."""
        return [STATUS_NAMES[code] for code in self.status]


def simulate(
    setup: Setup,
    requests: Sequence[OracleRequest],
    compat: Compat | None = None,
    on_step: Callable[[int, Engine], None] | None = None,
) -> OracleResult:
    """Simulate requests in list order; on_step(instance, engine) is called when a step's changes are applied."""
    cluster = _Cluster(setup, requests, compat or Compat(), on_step)
    cut = cluster.run()
    return _result(cluster, cut)


class _Cluster:
    """Front end and instances on one clock."""

    def __init__(
        self,
        setup: Setup,
        requests: Sequence[OracleRequest],
        compat: Compat,
        on_step: Callable[[int, Engine], None] | None,
    ) -> None:
        self.setup, self.compat = setup, compat
        keys = BlockKeys(requests, setup.block_size_tokens)
        self.engines = [Engine(index, setup, compat, keys) for index in range(setup.instances)]
        for engine in self.engines:
            engine.on_step = on_step
        self.view = View(setup, self.engines)
        self.admission = Admission(setup)
        self.router = Router(setup, compat, keys)
        self.jobs = [Job(row, request) for row, request in enumerate(requests)]
        self._front: list[tuple[int, int, int, Job]] = []
        self._sequence = 0
        for job in self.jobs:
            self._push(job.request.arrival_us, ARRIVAL, job)

    def _push(self, time: int, kind: int, job: Job) -> None:
        heapq.heappush(self._front, (time, kind, self._sequence, job))
        self._sequence += 1

    def run(self) -> bool:
        """Execute all events up to the horizon; return whether some were left (2.2)."""
        horizon = float("inf") if self.setup.horizon_us is None else self.setup.horizon_us
        while True:
            engine = min(self.engines, key=Engine.next_us)  # the lowest index wins ties
            front_us = self._front[0][0] if self._front else float("inf")
            now = min(front_us, engine.next_us())
            if now == float("inf"):
                return False
            if now > horizon:
                return True
            self.view.before_event(int(now))
            if front_us <= engine.next_us():
                self._run_front()
            elif engine.run_next() == QUEUED_EVENT:
                self.view.pending[engine.index] -= 1

    def _run_front(self) -> None:
        """Execute one front-end event (2.3)."""
        now, kind, _, job = heapq.heappop(self._front)
        if kind == ARRIVAL:
            job.status = IN_TRANSIT
            self._push(now + self.setup.admission_latency_us, ADMISSION, job)
            return
        self.view.at_decision(now)
        if kind == ADMISSION:
            if self.admission.admits(job, now):
                self._push(now + self.setup.routing_latency_us, ROUTING, job)
            else:
                job.status = REJECTED
            return
        target = self.router.choose(job, self.view)
        self.view.pending[target] += 1
        self.engines[target].inject(job, now)


def _end_us(cluster: _Cluster, cut: bool) -> int:
    """Duration of the run (engine.md 14, row "duration")."""
    if cut and not cluster.compat.duration_last_event and cluster.setup.horizon_us is not None:
        return cluster.setup.horizon_us
    last_event = max(engine.counters["last_event_us"] for engine in cluster.engines)
    if cluster.compat.duration_last_event:
        return last_event
    return max(last_event, *(engine.last_completion_us for engine in cluster.engines))


def _result(cluster: _Cluster, cut: bool) -> OracleResult:
    jobs = cluster.jobs
    delays = [job.scheduled_us - job.request.arrival_us if job.scheduled_us >= 0 else -1 for job in jobs]
    return OracleResult(
        status=[job.status for job in jobs],
        instance=[job.instance for job in jobs],
        queued_us=[job.queued_us for job in jobs],
        scheduled_us=[job.scheduled_us for job in jobs],
        first_token_us=[job.first_token_us for job in jobs],
        completed_us=[job.completed_us for job in jobs],
        ttft_us=[job.ttft_us for job in jobs],
        e2e_us=[job.e2e_us for job in jobs],
        scheduling_delay_us=delays,
        cached_tokens=[job.cached_tokens for job in jobs],
        generated_tokens=[min(job.generated, job.output_tokens) for job in jobs],
        preemptions=[job.preemptions for job in jobs],
        first_step=[job.first_step for job in jobs],
        last_step=[job.last_step for job in jobs],
        itl_us=[job.itl_us for job in jobs],
        instances=[engine.final_counters() for engine in cluster.engines],
        end_us=_end_us(cluster, cut),
        token_overhead_us=cluster.engines[0].token_overhead_us,
        last_gap_twice=cluster.compat.last_gap_twice,
    )
