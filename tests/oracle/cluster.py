"""The shared clock, the front end's pipeline, and the result (cluster-and-policies.md section 2)."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from blis.config import Compat
from blis.tables.records import (
    ABANDONED,
    COMPLETED,
    DROPPED,
    IN_TRANSIT,
    LOST,
    NOT_ARRIVED,
    REASONS,
    REJECTED,
    STATUS_NAMES,
)
from tests.oracle.admission import Admission
from tests.oracle.clients import Patience, outcome
from tests.oracle.engine import Engine, Job
from tests.oracle.fleet import Fleet
from tests.oracle.flow_control import Gateway
from tests.oracle.hedging import Hedges
from tests.oracle.kv import ceil_div
from tests.oracle.observe import InstanceView, Sample, sample, view_of
from tests.oracle.requests import BlockKeys, OracleRequest
from tests.oracle.router import Router
from tests.oracle.setup import Setup
from tests.oracle.view import View

INFINITY = float("inf")

ARRIVAL, ADMISSION, ROUTING, RETRY = range(4)  # front-end events; also their order at equal times (2.1)


@dataclass(frozen=True)
class OracleResult:
    """The fields of `blis.tables.results.ResultTable` as lists; the token gaps as one explicit list a request."""

    arrival_us: list[int]
    status: list[int]
    instance: list[int]
    routed_us: list[int]
    retry_after_us: list[int]
    reason: list[int]
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
    instances: list[dict[str, int]]  # names of blis.tables.records.INSTANCE_COUNTERS
    end_us: int
    token_overhead_us: list[int]  # one an instance
    last_gap_twice: bool
    samples: list[Sample]  # if asked for
    retries: list[int]
    accepted: list[int]  # draft tokens
    fleet: list[tuple[int, int, str]]  # when which instance came into which state
    looks: list[tuple[int, int, int, int]]  # of the autoscaler
    gave_up_us: list[int]
    outcomes: list[dict[str, int]]  # of requests whose attempts the rows are, see `outcome`
    serving: list[int]  # the row that says what became of each request
    hedged: list[bool]  # of which requests a copy was sent
    wasted_tokens: int
    adapter_us: list[int]
    handovers: dict[str, list[int]]  # fields of blis.tables.handovers.Handovers

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
    on_decision: Callable[[int, int, list[InstanceView]], None] | None = None,
    sample_us: int = 0,
    forced: Mapping[int, int] | None = None,
) -> OracleResult:
    """Simulate requests in list order, attempts of clients behind all first ones.

    on_step(instance, engine) is called when a step's changes are applied; on_decision(row, now, views) at every
    routing decision, with the state before it. sample_us > 0 asks for samples at its multiples. forced: row ->
    instance, rows that go there whatever the policy says, which takes note of it as of its own decision.
    """
    longest = setup.engine.truncate_prompt_tokens
    if longest:
        count = len(requests) // setup.rows_a_request
        requests = [request.cut(longest, row % count) for row, request in enumerate(requests)]
    cluster = _Cluster(setup, requests, compat or Compat(), on_step, on_decision, sample_us, forced or {})
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
        on_decision: Callable[[int, int, list[InstanceView]], None] | None,
        sample_us: int,
        forced: Mapping[int, int],
    ) -> None:
        self.setup, self.compat = setup, compat
        keys = BlockKeys(requests, setup.block_size_tokens)
        self.engines = [Engine(index, setup, compat, keys) for index in range(setup.instances)]
        for engine in self.engines:
            engine.on_step = on_step
        self.view = View(setup, self.engines, keys)
        self.count = len(requests) // setup.rows_a_request
        first_asks = requests[: self.count]
        self._first_arrival_us = min((each.arrival_us for each in first_asks if each.predecessor < 0), default=0)
        self.admission = Admission(setup, self.view, self._first_arrival_us)
        self.gateway = Gateway(setup, self.view)
        self.router = Router(setup, compat, self.view)
        self.prefill_router = self.router.for_prefills()
        self._transfers: list[tuple[int, bool, int, Job]] = []  # when, whether it is given up, row, whose
        self.jobs = [Job(row, request, setup.engine.max_model_len) for row, request in enumerate(requests)]
        self.samples: list[Sample] = []
        self._on_decision, self._sample_us, self._forced = on_decision, sample_us, forced
        self._now = 0
        self._front: list[tuple[int, int, int, Job]] = []
        self._sequence = self._sent = 0
        self._look_from_us = 0  # the gateway has looked at all its instants before
        self._followers: dict[int, list[Job]] = defaultdict(list)
        self.patience = Patience(setup.clients, self.jobs[: self.count * setup.clients.attempts])
        self.hedges = Hedges(setup.hedging, self.jobs, self.count, self.engines)
        self.made: set[int] = set()  # attempts after the first that clients make
        for job in self.jobs[: self.patience.requests]:
            if job.request.predecessor < 0:
                self._arrives(job, job.request.arrival_us)
            else:
                self._followers[job.request.predecessor].append(job)
        self._saved = setup.retries.saved
        self._horizon = INFINITY if setup.horizon_us is None else setup.horizon_us
        self.fleet = Fleet(setup, self.engines, self.view, self.gateway, self._first_arrival_us)
        self.fleet.settle, self.fleet.forget = self._settle, self.router.memory.forget
        self.fleet.retrying = lambda: sum(kind == RETRY for _, kind, _, _ in self._front)
        for engine in self.engines:
            engine.on_answer = self._answered
            engine.on_prefilled, engine.on_ask, engine.on_give_up = self._prefilled, self._move, self._give_up_kv
            engine.fails_us = self.view.lives.fails_us(engine.index, -1, self._horizon)
            engine.down = not self.fleet.serves(engine.index)

    def _arrives(self, job: Job, time: int) -> None:
        """At one instant the lower row comes first."""
        job.request = replace(job.request, arrival_us=time)
        heapq.heappush(self._front, (time, ARRIVAL, job.row, job))

    def _answered(self, job: Job) -> None:
        """Whoever follows comes when the client has thought, if it has waited for the answer."""
        if self.hedges.undecided(job) or not self.patience.hears(job, self._now):
            return
        for follower in self._followers[job.row % self.patience.requests]:
            self._arrives(follower, job.request.arrival_us + job.e2e_us + follower.request.think_us)

    def _push(self, time: int, kind: int, job: Job) -> None:
        heapq.heappush(self._front, (time, kind, self._sequence, job))
        self._sequence += 1

    def run(self) -> bool:
        """Execute all events up to the horizon; return whether some were left (2.2)."""
        horizon = self._horizon
        while True:
            engine = min(self.engines, key=Engine.next_us)  # the lowest index wins ties
            front_us = self._front[0][0] if self._front else INFINITY
            look_us = self._next_look_us()
            transfer_us = self._transfers[0][0] if self._transfers else INFINITY
            now = min(front_us, look_us, transfer_us, engine.next_us())
            due_us = min(self.patience.next_us(self._now), self.hedges.next_us(self._now))
            if due_us > horizon:
                due_us = INFINITY
            if min(now, due_us) == INFINITY:
                return False
            life_us = min(self.view.lives.next_us(), self.fleet.next_us())
            if life_us <= min(now, due_us, horizon):
                self._live(int(life_us))
                continue
            if due_us <= now:
                self._give_up(int(due_us))
                continue
            self._take_samples(min(now, horizon))
            if now > horizon:
                return True
            self._now = int(now)
            self.view.before_event(self._now)
            if now == front_us:
                self._run_front()
            elif now == look_us:
                self._look_from_us = self._now + 1
                self._look()
            elif now == transfer_us:
                self._end_transfer()
            else:
                engine.run_next()

    def _live(self, now: int) -> None:
        """Let instances fail and serve again, and the router find out; then let them come and go."""
        self._take_samples(now)
        self._now = now
        self.view.before_event(now)
        if self.view.lives.next_us() == now:
            fail, serve, missed = self.view.lives.happen(now)
            for j in (*fail, *serve):
                self._settle(j, now)
            for j in missed:
                self.router.memory.forget(j)
            for j in self.view.lives.found_again:
                self.view.breakers.found_again(j)
        self.fleet.happen(now)

    def _settle(self, j: int, now: int) -> None:
        """Let an instance begin or cease to serve, if it has to."""
        engine, serves = self.engines[j], self.fleet.serves(j) and not self.view.lives.down[j]
        if engine.down and serves:
            engine.serve(now)
            engine.fails_us = self.view.lives.fails_us(j, now, self._horizon)
        elif not engine.down and not serves:
            for job in engine.fail(now):
                self._lose(job, now)
        if self.fleet.gone_us(j) <= self._horizon:
            engine.fails_us = min(engine.fails_us, self.fleet.gone_us(j))

    def _give_up(self, now: int) -> None:
        """Let clients give up and ask again; then let races end, and copies be sent."""
        self._take_samples(now)
        self._now = now
        self.view.before_event(now)
        for job in self.patience.gives_up(now):
            job.gave_up_us = now
            if self.setup.clients.cancel and job.status not in (COMPLETED, DROPPED):
                self._abandon(job, now)
            if job.instance >= 0:
                self.engines[job.instance].settle(job)
            self._ask_again(job, now)
        for winner, loser in self.hedges.decided(now):
            if loser.status not in (COMPLETED, DROPPED):
                self.engines[loser.instance].abandon(loser, now)
                self.engines[loser.instance].settle(loser)
            if winner.status == COMPLETED:
                self._answered(winner)
        for copy in self.hedges.due(now):
            assert copy.origin is not None
            copy.not_on = copy.origin.instance
            heapq.heappush(self._front, (now, RETRY, copy.row, copy))

    def _abandon(self, job: Job, now: int) -> None:
        if job.instance >= 0:
            self.engines[job.instance].abandon(job, now)
            return
        job.status = ABANDONED
        self.gateway.withdraw(job)
        self._front = [event for event in self._front if event[3] is not job]
        heapq.heapify(self._front)

    def _ask_again(self, job: Job, now: int) -> None:
        if asked := self.patience.asks_again(job, now):
            self.made.add(asked[0].row)
            self._arrives(*asked)

    def _tell_failed(self, job: Job, now: int) -> None:
        if job.gave_up_us < 0:
            self._ask_again(job, now)

    def _lose(self, job: Job, now: int) -> None:
        """The instance of a request is gone: it is sent again after a while, or lost."""
        retries = self.setup.retries
        self.engines[job.instance].counters["lost"] += 1
        self.view.lost(job, job.instance)
        self.view.breakers.failed(job.instance, now)
        if rival := self.hedges.lost(job):
            job.status = LOST
            if rival.status == COMPLETED:
                self._answered(rival)
            return
        tries = self.hedges.sent_again(job)
        if tries == retries.limit or self._saved < 1.0:
            job.status = LOST
            self._tell_failed(job, now)
            return
        self._saved -= 1.0
        job.status = IN_TRANSIT
        job.retries += 1
        job.begin_anew()
        heapq.heappush(self._front, (now + retries.backoff_us * 2**tries, RETRY, job.row, job))

    # -- prefill and decode apart (docs/disaggregation.md)

    def _asks_for_prefill(self, job: Job, target: int) -> bool:
        """Whether another instance is asked for a prompt."""
        given, memory = self.setup.disaggregation, self.router.memory
        if not self.setup.apart or given.decider == "never" or not self.view.eligible(job, "prefill"):
            return False
        uncached = job.prompt_tokens - memory.block_tokens * memory.matched_blocks(target, job)
        return given.decider == "always" or uncached >= given.uncached_tokens

    def _begin_prefill(self, job: Job, helper: int, target: int) -> None:
        """Send a request's prompt to the instance that computes it."""
        job.instance = target
        self.engines[target].counters["routed"] += 1
        prefill = Job(
            job.row, replace(job.request, output=()), job.longest, IN_TRANSIT, of=job, requests=len(self.jobs)
        )
        job.prefill, prefill.routed_us = prefill, self._now
        self.view.sent(prefill, helper)
        self.engines[helper].inject(prefill, self._now)

    def _prefilled(self, prefill: Job, end: int) -> None:
        """A prefill is over: its request goes where it is generated, and the KV waits."""
        job = prefill.of
        assert job is not None
        if prefill.status == COMPLETED:
            job.kv = "remote"
            heapq.heappush(self._transfers, (end + self.setup.kv_transfer.hold_us, True, job.row, job))
        self.engines[job.instance].take_over(job, end)

    def _without(self, job: Job) -> None:
        """Nobody gives up the KV of a request any more."""
        self._transfers = [entry for entry in self._transfers if entry[3] is not job]
        heapq.heapify(self._transfers)

    def _move(self, job: Job, now: int) -> None:
        """The sender's link serves one after the other."""
        assert job.prefill is not None
        self._without(job)
        sender, transfer = self.engines[job.prefill.instance], self.setup.kv_transfer
        moved = job.moved_blocks * self.setup.block_size_tokens * self.setup.token_bytes
        sender.link_us = max(sender.link_us, now) + ceil_div(moved, transfer.bytes_per_us)
        heapq.heappush(self._transfers, (sender.link_us + transfer.latency_us, False, job.row, job))

    def _give_up_kv(self, job: Job, now: int) -> None:
        """Nobody will fetch the KV of a request."""
        pending = [entry for entry in self._transfers if entry[3] is job]
        self._without(job)
        for _, _, row, _ in pending:
            heapq.heappush(self._transfers, (now, True, row, job))

    def _end_transfer(self) -> None:
        """KV has come, or is given up: its blocks are free where it was computed."""
        now, given_up, _, job = heapq.heappop(self._transfers)
        assert job.prefill is not None
        self.engines[job.prefill.instance].let_go(job.prefill, now)
        if given_up:
            job.kv = "local"
            self.engines[job.instance].wake(now)
        else:
            self.engines[job.instance].arrived(job, now)

    def _run_front(self) -> None:
        """Execute one front-end event (2.3)."""
        now, kind, _, job = heapq.heappop(self._front)
        if kind == ARRIVAL:
            job.status = IN_TRANSIT
            self._push(now + self.setup.admission_latency_us, ADMISSION, job)
        elif kind in (ROUTING, RETRY):
            self.view.at_decision(now)
            self._route(job)
        else:
            self.view.at_decision(now)
            self._decide(job)

    def _decide(self, job: Job) -> None:
        """Admit or reject."""
        self.fleet.arrivals += 1
        self.patience.comes(job)
        eligible = self.view.eligible(job)
        waits = not eligible and self.fleet.lets_wait(self.view.allowed(job))
        if waits:
            self.admission.let_in(job)
        if not eligible and not waits:
            self._reject(job, "no-instance")
        elif not waits and not self.admission.admits(job, self._now, eligible):
            job.retry_after_us = self.admission.retry_after_us
            self._reject(job, "policy")
        elif not self.setup.flow_control.enabled:
            self._push(self._now + self.setup.routing_latency_us, ROUTING, job)
        else:
            self._expire()
            if self.gateway.joins(job, self._now):
                self.fleet.activate(self._now)
                self._look()
            else:
                self._reject(job, "gateway-full")

    def _reject(self, job: Job, reason: str) -> None:
        job.status, job.reason = REJECTED, REASONS.index(reason)
        self._tell_failed(job, self._now)

    def _next_look_us(self) -> float:
        """The first instant on the gateway's grid, now or later, at which it has not looked yet."""
        if not len(self.gateway):
            return INFINITY
        interval = self.setup.flow_control.interval_us
        return ceil_div(max(self._now, self._look_from_us), interval) * interval

    def _look(self) -> None:
        """Let the gateway route whom it can, and reject who has waited too long."""
        self.view.at_decision(self._now)
        self._expire()
        self.gateway.look(self._route)

    def _expire(self) -> None:
        """Reject who has waited too long at the gateway."""
        for job in self.gateway.expired(self._now):
            self._reject(job, "expired")

    def _route(self, job: Job) -> None:
        """Choose an instance and send the request there; where nobody is left, it is rejected."""
        if not self.view.eligible(job):
            if job.not_on >= 0:
                self.hedges.nowhere()
            else:
                self._reject(job, "no-instance")
            return
        views = view_of(job, self.view, self.router) if self._on_decision else []
        target, scores, note = self.router.decide(job, self._forced.get(job.row))
        helper = target
        if self._asks_for_prefill(job, target):
            helper, _, note_prefill = self.prefill_router.decide(job)
            note()
            note_prefill()
        else:
            note()
        if self._on_decision:
            seen = [replace(each, score=scores.get(j)) for j, each in enumerate(views)]
            self._on_decision(job.row, self._now, seen)
        if job.not_on >= 0:
            assert job.origin is not None
            job.not_on, job.status = -1, IN_TRANSIT
            job.request = replace(job.request, arrival_us=job.origin.request.arrival_us)
            self.hedges.begin(job)
            self.admission.let_in(job)
        job.routed_us = self._now
        if job.sent[0] != self._now:
            self._sent, job.sent = self._sent + 1, (self._now, self._sent)
        self.hedges.pays(job)
        self.view.sent(job, target)
        self.view.breakers.tried(target, self._now)
        if job.retries == 0 and job.origin is None:
            self._saved = min(self._saved + self.setup.retries.budget, 10 * self.setup.retries.saved)
        if helper != target:
            self._begin_prefill(job, helper, target)
        elif self.engines[target].down:
            self.engines[target].refuse(job, self._now)
            self._lose(job, self._now)
        else:
            self.engines[target].inject(job, self._now)

    def _take_samples(self, until_us: float) -> None:
        """Note the state at every sampling instant up to the next event or the horizon."""
        first = self._first_arrival_us // max(self._sample_us, 1)
        while self._sample_us > 0 and (first + len(self.samples)) * self._sample_us <= until_us:
            time_us = (first + len(self.samples)) * self._sample_us
            self.samples.append(sample(time_us, self.engines, self.view, self.jobs, len(self.gateway)))


def _end_us(cluster: _Cluster, cut: bool) -> int:
    """Duration of the run (engine.md 14, row "duration")."""
    if cut and not cluster.compat.duration_last_event and cluster.setup.horizon_us is not None:
        return cluster.setup.horizon_us
    last_event = max(engine.counters["last_event_us"] for engine in cluster.engines)
    if cluster.compat.duration_last_event:
        return last_event
    return max(last_event, *(engine.last_completion_us for engine in cluster.engines))


def _in_flight(engine: Engine, jobs: Sequence[Job]) -> dict[str, int]:
    """The counter of who was sent to an instance and has not left it."""
    jobs = [*jobs, *(job.prefill for job in jobs if job.prefill is not None)]
    inside = (
        job for job in jobs if job.instance == engine.index and job.status not in (COMPLETED, DROPPED, LOST, ABANDONED)
    )
    return {"in_flight_tokens": sum(job.prompt_tokens for job in inside)}


def _arrival_us(job: Job, requests: int) -> int:
    """When it came; of one that follows another, or is asked for again, -1 if it never did."""
    waits = job.request.predecessor >= 0 or job.row >= requests
    return -1 if waits and job.status == NOT_ARRIVED else job.request.arrival_us


def _result(cluster: _Cluster, cut: bool) -> OracleResult:
    for engine in cluster.engines:
        engine.cut()
    jobs = cluster.jobs
    delays = [job.scheduled_us - job.request.arrival_us if job.scheduled_us >= 0 else -1 for job in jobs]
    return OracleResult(
        arrival_us=[_arrival_us(job, cluster.count) for job in jobs],
        status=[job.status for job in jobs],
        instance=[job.instance for job in jobs],
        routed_us=[job.routed_us for job in jobs],
        retry_after_us=[job.retry_after_us for job in jobs],
        reason=[job.reason for job in jobs],
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
        instances=[engine.final_counters() | _in_flight(engine, jobs) for engine in cluster.engines],
        end_us=_end_us(cluster, cut),
        token_overhead_us=[engine.overhead_us for engine in cluster.engines],
        last_gap_twice=cluster.compat.last_gap_twice,
        samples=cluster.samples,
        retries=[job.retries for job in jobs],
        accepted=[job.accepted for job in jobs],
        fleet=cluster.fleet.turns,
        looks=cluster.fleet.looks,
        gave_up_us=[job.gave_up_us for job in jobs],
        outcomes=[
            outcome(jobs[row :: cluster.patience.requests], cluster.made) for row in range(cluster.patience.requests)
        ],
        adapter_us=[job.adapter_us for job in jobs],
        handovers=_handovers(jobs),
        serving=[cluster.hedges.outcome(row).row for row in range(cluster.count)],
        hedged=cluster.hedges.hedged(),
        wasted_tokens=cluster.hedges.wasted_tokens,
    )


def _handovers(jobs: Sequence[Job]) -> dict[str, list[int]]:
    """What became of prompts that were computed elsewhere."""
    prefills = [job.prefill or Job(job.row, job.request) for job in jobs]
    names = ("status", "instance", "routed_us", "queued_us", "scheduled_us", "completed_us", "cached_tokens")
    found = {name: [getattr(prefill, name) for prefill in prefills] for name in (*names, "preemptions", "first_step")}
    found["last_step"] = [prefill.last_step for prefill in prefills]
    for name in ("asked_us", "there_us"):
        found[name] = [getattr(job, name) for job in jobs]
    return found | {"blocks": [job.moved_blocks for job in jobs]}
