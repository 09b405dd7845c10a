"""One instance: events, queue, batch and steps (engine.md sections 4 to 7)."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from blis.config import Compat
from blis.errors import EngineError
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, INSTANCE_COUNTERS, LOST, NOT_ARRIVED, QUEUED, RUNNING
from tests.oracle.kv import KVCache, ceil_div
from tests.oracle.linear import StepTime as LinearStepTime
from tests.oracle.lora import BASE, Adapters
from tests.oracle.order import QueueOrder, least_urgent
from tests.oracle.requests import BlockKeys, OracleRequest
from tests.oracle.roofline import StepTime
from tests.oracle.roofline_original import Entry
from tests.oracle.roofline_original import StepTime as OriginalStepTime
from tests.oracle.setup import Machine, Setup

Asked = tuple[frozenset[int], frozenset[int]]  # adapters of those who run, and of those who wait

ARRIVAL_EVENT, QUEUED_EVENT, STEP_EVENT, LEFT_EVENT = range(4)  # also the order at equal times (4.2)


@dataclass(eq=False)
class Job:
    """A request on its way through the simulation, and all that is reported about it; -1 = never happened."""

    row: int
    request: OracleRequest
    longest: int = 0  # tokens of a sequence at most, 0 = no limit
    status: int = NOT_ARRIVED
    instance: int = -1
    computed: int = 0  # tokens whose KV is stored
    generated: int = 0
    accepted: int = 0  # draft tokens among these
    prefilling: bool = False  # from (re)admission until its next token is out
    new: int = 0  # tokens of this step
    context: int = 0  # stored tokens that those of this step look back on
    keyed: bool = True  # False after a fully cached prompt (Q11): its blocks get no keys
    routed_us: int = -1
    retry_after_us: int = -1  # what a rejected client was told
    reason: int = 0  # why it was rejected
    queued_us: int = -1
    scheduled_us: int = -1
    first_token_us: int = -1
    last_token_us: int = -1
    completed_us: int = -1
    ttft_us: int = -1
    e2e_us: int = -1
    cached_tokens: int = -1
    adapter_us: int = -1  # what steps have waited for its adapter
    preemptions: int = 0
    first_step: int = -1
    last_step: int = -1
    itl_us: list[int] = field(default_factory=list)
    retries: int = 0
    gave_up_us: int = -1  # when its client waited no more
    origin: Job | None = None  # of a copy: whose
    sent: tuple[int, int] = (-1, -1)  # instant of the latest decision about it, and number of the first then
    not_on: int = -1  # of a copy that is to be sent: where its request is
    prefill: Job | None = None  # that computes its prompt, on another instance
    of: Job | None = None  # of a prefill: whose it is
    requests: int = 0  # of a prefill: how many requests there are
    kv: str = "local"  # of a prompt: "remote", then "coming", "landed" if it is not looked at yet, then "here"
    asked_us: int = -1
    there_us: int = -1
    moved_blocks: int = -1

    @property
    def first_row(self) -> int:
        """Its row, or that of the request whose copy it is: where it stands among those that came at one instant."""
        return (self.origin or self).row

    @property
    def place(self) -> int:
        """Its row, or that of a prefill behind those of all requests."""
        return self.row + self.requests

    @property
    def elsewhere(self) -> bool:
        """Whether its prompt is being computed by another instance."""
        return self.prefill is not None and self.prefill.status not in (COMPLETED, DROPPED, LOST)

    def begin_anew(self) -> None:
        """Forget what has happened on an instance that has failed."""
        fresh = Job(self.row, self.request, self.longest, self.status)
        fresh.retries, fresh.gave_up_us, fresh.origin, fresh.sent = (
            self.retries,
            self.gave_up_us,
            self.origin,
            self.sent,
        )
        vars(self).update(vars(fresh))

    @property
    def prompt_tokens(self) -> int:
        """I of the specification."""
        return len(self.request.prompt)

    @property
    def output_tokens(self) -> int:
        """N of the specification, or as many as end a sequence at its longest."""
        longest = self.longest or len(self.request.prompt) + len(self.request.output)
        return max(0, min(len(self.request.output), longest - self.prompt_tokens))

    @property
    def known(self) -> int:
        """Tokens that must be stored before the next one can come out: prompt + generated."""
        return self.prompt_tokens + self.generated

    @property
    def finished(self) -> bool:
        """Whether its last token is out; a request without outputs ends with its prefill (section 3)."""
        return self.generated >= max(self.output_tokens, 1)


def _hashed(uniform: float, position: int) -> float:
    """Return a number in [0, 1) that a request's own number and a position in its answer give (splitmix64)."""
    bits = (int(uniform * 2**53) + position * 0x9E3779B97F4A7C15) % 2**64
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        bits = (bits ^ (bits >> shift)) * factor % 2**64
    return (bits >> 11) / 2**53


def _step_time(machine: Machine, compat: Compat) -> Callable[[Sequence[Entry], Sequence[Entry]], int] | None:
    if machine.linear is not None:
        return LinearStepTime(machine.linear)
    if machine.roofline is None:
        return None
    if machine.roofline_kind == "roofline-original" or compat.original_roofline:
        return OriginalStepTime(machine.roofline, machine.tp, compat)
    return StepTime(machine.roofline, machine.tp)


class Engine:
    """One replica; `batch`, `queue`, `kv` and `counters` may be looked at between events."""

    def __init__(self, index: int, setup: Setup, compat: Compat, keys: BlockKeys) -> None:
        """Start idle, with an empty cache."""
        self.index, self.setup, self.compat, self.keys = index, setup, compat, keys
        self.machine = setup.machine(index)
        self.switches = self.machine.engine
        self.kv, self.order, self.adapters = self._fresh()
        self.down, self.warm_us = False, 0
        self.fails_us = float("inf")  # a step that does not end before is broken off
        self._steps_us: list[tuple[int, int]] = []  # from when to when each step took
        self.seen: tuple[int, int, float, Asked] = (
            0,
            0,
            0.0,
            (frozenset(), frozenset()),
        )  # what its signals were when it failed
        self._step_us = _step_time(self.machine, compat)
        self.queue: list[Job] = []
        self.batch: list[Job] = []
        self.counters: dict[str, int] = dict.fromkeys(INSTANCE_COUNTERS.names or (), 0)
        self.overhead_us = int(self.machine.alpha[2])
        self.last_completion_us = 0
        self._at_horizon: tuple[dict[str, int], list[tuple[Job, dict[str, Any]]]] = {}, []
        self.on_step: Callable[[int, Engine], None] | None = None
        self.on_answer: Callable[[Job], None] | None = None  # a request is completed
        self._events: list[tuple[int, int, int, Job | None]] = []
        self._sequence = 0
        self._step_pending = False
        self._runs = False  # a step runs
        self._busy_until = 0
        self._leaving: list[Job] = []  # out of the batch with their last token, not yet out of the cache
        self._arrived: list[Job] = []  # came while a step ran whose successor is chosen already
        self.answers_us: list[int] = []  # when somebody got all of an answer, or heard that there is none
        self.latest_us = 0  # duration of the latest step
        self.members: tuple[list[Entry], ...] = ()  # of the latest step, those in their prompt and those who decode
        self._alone = False  # one request is all there is
        self._transfer_us = 0  # what the admissions of this step wait for the second KV tier and for adapters
        self.importing: list[Job] = []  # hold blocks and wait for their KV, in the order in which they asked for it
        self.exporting: list[Job] = []  # prefills whose KV nobody has fetched yet
        self.link_us = 0  # when its link has sent all that was asked of it
        self.prefilled = 0
        self.on_prefilled: Callable[[Job, int], None] | None = None  # a prefill is over, or dropped
        self.on_ask: Callable[[Job, int], None] | None = None  # there is room for a prompt's KV
        self.on_give_up: Callable[[Job, int], None] | None = None  # nobody will fetch it

    def _fresh(self) -> tuple[KVCache, QueueOrder, Adapters]:
        machine = self.machine
        kv = KVCache(machine.kv_blocks, machine.block_size_tokens, machine.cpu_blocks, self.switches.unkeyed_first)
        return kv, QueueOrder(self.setup, self.compat), Adapters(machine.lora)

    # -- failing and serving again

    def fail(self, now: int) -> list[Job]:
        """Lose everybody who is here or on the way, in the order of rows."""
        on_the_way = [job for _, kind, _, job in self._events if kind in (ARRIVAL_EVENT, QUEUED_EVENT)]
        lost = [job for job in (*self.batch, *self.queue, *self._arrived, *on_the_way) if job is not None]
        self.down, self.seen = True, (self.waiting, len(self.batch), self.kv.used / self.kv.total, self._asked())
        for job in (*self.batch, *self.importing, *self.exporting):
            self.kv.release(job.row)
        self._events, self._step_pending, self._runs = [], False, False
        self.queue, self.batch, self._arrived = [], [], []
        self.importing, self.exporting, self.link_us = [], [], 0
        if lost or self._busy_until == now:
            self.counters["last_event_us"] = now
        return sorted(lost, key=lambda job: job.row)

    def serve(self, now: int) -> None:
        """Begin anew, with nothing in the caches; counters go on."""
        self.down, self.warm_us = False, now + self.setup.startup.warm_up_us
        hits, misses, cpu = self.kv.hits, self.kv.misses, self.kv.cpu
        self.kv, self.order, self.adapters = self._fresh()
        self.kv.hits, self.kv.misses = hits, misses
        self.kv.cpu.hits, self.kv.cpu.offloaded, self.kv.cpu.thrashed = cpu.hits, cpu.offloaded, cpu.thrashed

    def asked(self) -> Asked:
        """Whose requests run and wait here; of one that is down, whose did."""
        return self.seen[3] if self.down else self._asked()

    def _asked(self) -> Asked:
        active, waiting = (frozenset(job.request.adapter for job in jobs) - {BASE} for jobs in (self.batch, self.queue))
        return active, waiting

    # -- what an autoscaler asks

    def idle(self, now: int) -> bool:
        """Whether nobody is here or on the way."""
        on_the_way = any(kind in (ARRIVAL_EVENT, QUEUED_EVENT) for _, kind, _, _ in self._events)
        return not (self.batch or self.queue or self._arrived or on_the_way or self.free_us(now) > now)

    def free_us(self, now: int) -> int:
        """The first instant after the step that has not ended before now; now without one."""
        return self._busy_until + 1 if not self.down and self._busy_until >= now else now

    def busy_between(self, begin: int, end: int) -> int:
        """How much of that time went into steps."""
        recent = takewhile(lambda step: step[1] > begin, reversed(self._steps_us))
        return sum(max(0, min(end, to) - max(begin, since)) for since, to in recent)

    def abandon(self, job: Job, now: int) -> None:
        """Nobody waits for a request any more that is here or on the way; it keeps what the step that runs brings."""
        if job in self.batch:
            self.batch.remove(job)
            self.kv.release(job.row)
        for waiting in (self.queue, self._arrived):
            if job in waiting:
                waiting.remove(job)
        self._events = [event for event in self._events if event[3] is not job]
        heapq.heapify(self._events)
        job.status = ABANDONED
        self.counters["abandoned"] += 1
        self.counters["last_event_us"] = max(self.counters["last_event_us"], now)

    def settle(self, job: Job) -> None:
        """What its client did stays so even if the step that runs passes the horizon."""
        for other, before in self._at_horizon[1]:
            if other is job:
                before["gave_up_us"] = job.gave_up_us
                before["status"] = job.status if job.status == ABANDONED else before["status"]

    def computed(self, job: Job) -> int:
        """Tokens of a request that are computed, those of the step that runs among them, even if it is broken off."""
        broken_off = job in self.batch and self._busy_until == self.fails_us
        return job.computed + (job.new if broken_off else 0)

    # -- what an observer may ask

    @property
    def used_blocks(self) -> int:
        """Blocks with a reference."""
        return self.kv.used

    def free_list(self) -> list[int | None]:
        """Content keys of the free blocks from head to tail."""
        return self.kv.free_list()

    def cpu_list(self) -> list[int]:
        """Content keys of the second KV tier, the oldest first."""
        return self.kv.cpu_list()

    def batch_rows(self) -> list[int]:
        """Rows of the running requests in batch order."""
        return [job.place for job in self.batch]

    def queue_rows(self) -> list[int]:
        """Rows of the waiting requests in queue order."""
        return [job.place for job in self.queue]

    @property
    def waiting(self) -> int:
        """How many wait, in the queue or for their KV."""
        return len(self.queue) + len(self.importing)

    def block_key(self, row: int, block: int) -> int:
        """Return the content key of a request's block, comparable with `free_list`."""
        return self.keys.key(row, block)

    def final_counters(self) -> dict[str, int]:
        """Return the counters named in `blis.tables.records.INSTANCE_COUNTERS`."""
        kv, cpu = self.kv, self.kv.cpu
        state = {"queued": self.waiting, "running": len(self.batch), "used_blocks": kv.used}
        blocks = {"hit_blocks": kv.hits, "miss_blocks": kv.misses}
        tiers = {"cpu_hit_blocks": cpu.hits, "offloaded_blocks": cpu.offloaded, "thrashed_blocks": cpu.thrashed}
        return self.counters | state | blocks | tiers

    # -- events (section 4)

    def next_us(self) -> float:
        """Time of the next event, infinity without one."""
        return self._events[0][0] if self._events else float("inf")

    def inject(self, job: Job, now: int) -> None:
        """Take a request that the front end routed here."""
        job.instance = self.index
        self.counters["routed"] += 1
        self._push(now, ARRIVAL_EVENT, job)

    def refuse(self, job: Job, now: int) -> None:
        """Nobody is here to take it."""
        job.instance = self.index
        self.counters["routed"] += 1
        self.counters["last_event_us"] = max(self.counters["last_event_us"], now)

    def run_next(self) -> int:
        """Execute the next event and return its kind."""
        now, kind, _, job = heapq.heappop(self._events)
        if kind == QUEUED_EVENT and job is not None and self.switches.async_scheduling and self._runs:
            self._arrived.append(job)  # looked at when the step that runs has ended
            return kind
        self.counters["last_event_us"] = now
        if kind == ARRIVAL_EVENT and job is not None:
            alpha = self.machine.alpha
            self._push(now + int(alpha[0] + alpha[1] * job.prompt_tokens), QUEUED_EVENT, job)
        elif kind == QUEUED_EVENT and job is not None:
            self._enqueue(job, now)
        elif kind == STEP_EVENT:
            self._step(now)
        return kind

    # -- prompts computed elsewhere

    def take_over(self, job: Job, end: int) -> None:
        """Get a request whose prefill has ended; at one instant behind those that the router sends."""
        alpha = self.machine.alpha
        reached = end + int(alpha[0] + alpha[1] * job.prompt_tokens)
        heapq.heappush(self._events, (reached, QUEUED_EVENT, 10**9 + job.row, job))

    def let_go(self, prefill: Job, now: int) -> None:
        """Give back the blocks of a prefill."""
        self.exporting.remove(prefill)
        self.kv.release(prefill.row)
        self._happened(now)

    def arrived(self, job: Job, now: int) -> None:
        """The KV of a request is here."""
        job.there_us = now
        job.kv = "landed" if self.switches.async_scheduling and self.batch else "here"
        self._happened(now)

    def kv_never_comes(self, job: Job, now: int) -> None:
        """Whoever waits for it gives back its blocks, and is the first in the queue."""
        self.importing.remove(job)
        self.kv.release(job.row)
        job.kv, job.asked_us, job.moved_blocks, job.cached_tokens = "local", -1, -1, -1
        self.queue.insert(0, job)
        self.wake(now)

    def _happened(self, now: int) -> None:
        self.counters["last_event_us"] = max(self.counters["last_event_us"], now)
        self.wake(now)

    def wake(self, now: int) -> None:
        """Plan a step if somebody waits who may go on now."""
        if not self._step_pending and (self.queue or self._some_here()):
            self._schedule_step(max(now, self._busy_until))

    def _some_here(self) -> bool:
        return any(job.kv == "here" for job in self.importing)

    def _push(self, time: int, kind: int, job: Job | None = None) -> None:
        heapq.heappush(self._events, (time, kind, self._sequence, job))
        self._sequence += 1

    def _schedule_step(self, time: int) -> None:
        self._push(time, STEP_EVENT)
        self._step_pending = True

    def _enqueue(self, job: Job, now: int) -> None:
        """Execute the Queued event (4.3, 4.4)."""
        too_long = 0 < self.switches.max_model_len <= job.prompt_tokens
        if too_long or not self._fits(self._final_footprint(job)):
            self._drop(job)
            self.answers_us.append(now)
            if job.of is not None and self.on_prefilled is not None:
                self.on_prefilled(job, now)
            elif job.kv == "remote" and self.on_give_up is not None:
                self.on_give_up(job, now)
            return
        job.status, job.queued_us = QUEUED, now
        self.counters["input_tokens"] += job.prompt_tokens
        self.queue.append(job)
        if not self._step_pending:
            self._schedule_step(now if self.compat.idle_when_batch_empties else max(now, self._busy_until))

    def _final_footprint(self, job: Job) -> int:
        """Return the tokens a request must be able to store (Q10)."""
        if self.compat.fit_prompt_only:
            return job.prompt_tokens
        stored_outputs = job.output_tokens if self.compat.last_gap_twice else max(job.output_tokens - 1, 0)
        return job.prompt_tokens + stored_outputs + self.machine.drafts

    def _fits(self, stored_tokens: int) -> bool:
        return ceil_div(stored_tokens, self.machine.block_size_tokens) <= self.machine.kv_blocks

    def _drop(self, job: Job) -> None:
        job.status = DROPPED
        self.counters["dropped"] += 1

    # -- the step (section 5)

    def _step(self, now: int) -> None:
        self._step_pending, self._runs, self.kv.now = False, False, now
        if not (self._end_and_form(now) if self.switches.async_scheduling else self._form_batch(now)):
            return
        count = self.counters
        count["steps"] += 1
        count["queue_sum"] += self.waiting
        count["batch_sum"] += len(self.batch)
        slower = self.setup.startup.warm_up_factor if now < self.warm_us else 1.0
        duration = int((self._with_adapters(self._duration()) + self._drafting_us()) * slower) + self._transfer_us
        self.adapters.used([job.request for job in self.batch], count["steps"])
        end = now + duration
        broken_off = end >= self.fails_us
        if broken_off:
            end = int(self.fails_us)
        self._steps_us.append((now, end))
        reported_us = self._reported(now, end)
        for job in self.batch:
            if broken_off:
                break
            if self._guesses_for(job):
                self._checked(job, end)
                continue
            if job.prefilling:
                self.order.computed(job, job.new)
            job.computed += job.new
            if job.computed == job.known:
                self._token_out(job, end)
        count["busy_us"] += reported_us
        count["block_us"] += self.kv.used * reported_us
        count["peak_blocks"] = max(count["peak_blocks"], self.kv.used)
        self._busy_until, self.latest_us = end, duration
        if not self.switches.async_scheduling and not broken_off:
            self._let_go(end)
        if self.batch or self.queue or self._some_here():
            self._schedule_step(end)
        self._runs = bool(self.batch)
        if self.on_step is not None:
            self.on_step(self.index, self)

    def _end_and_form(self, now: int) -> bool:
        """End a step and start the next, which was chosen when that began and knows only what was known then.

        Who got the last token takes no more part, but had not left; who came since was not seen. If there was nothing
        to do then, the batch is chosen when the step has ended.
        """
        self._leaving = [job for job in self.batch if job.finished]
        self.batch = [job for job in self.batch if not job.finished]
        formed = self._form_batch(now) and self.batch
        self.counters["peak_blocks"] = max(self.counters["peak_blocks"], self.kv.used)
        self._let_go(now)
        arrived, self._arrived = self._arrived, []
        self._step_pending = True  # this one
        for job in arrived:
            self._enqueue(job, now)
        self._step_pending = False
        for job in self.importing:
            job.kv = "here" if job.kv == "landed" else job.kv
        return bool(formed) or self._form_batch(now)

    def _let_go(self, end: int) -> None:
        """Complete those whose last token is out, in batch order."""
        leaving = self._leaving or [job for job in self.batch if job.finished]
        self._leaving = []
        for job in leaving:
            self._complete(job, end, self.latest_us)

    def _reported(self, now: int, end: int) -> int:
        """Return how much of a step is reported; of one that passes the horizon remember how things stand before it."""
        horizon = self.setup.horizon_us
        if horizon is None or end <= horizon or self.compat.behind_horizon:
            return end - now
        batch = [(job, {**vars(job), "itl_us": list(job.itl_us)}) for job in self.batch]
        counters, before = self._at_horizon  # of a step that it overlaps (Q2): all are out of that
        counters = counters or {name: self.counters[name] for name in ("completed", "output_tokens")}
        self._at_horizon = counters, before + batch
        return horizon - now

    def cut(self) -> None:
        """Forget what the step that passes the horizon brought: none of it is reported (Q20)."""
        counters, batch = self._at_horizon
        self.counters |= counters
        for job, before in batch:
            vars(job).update(before)
        self.batch = [job for job, _ in batch if job.status != ABANDONED] or self.batch

    def _duration(self) -> int:
        """Return what the batch takes in microseconds (section 10), also counting the prefill tokens."""
        left_out = [job for job in self.batch if self.machine.drafts and not job.new]  # drafts have taken all tokens
        prefill = [job for job in self.batch if job.prefilling and job not in left_out]
        decode = [job for job in self.batch if not job.prefilling]
        tokens = sum(job.new for job in prefill)
        self.counters["prefill_tokens"] += tokens
        self.members = tuple([Entry(job.context, job.new) for job in part] for part in (prefill, decode))
        drafts = sum(job.new - 1 for job in decode)
        self.counters["drafted_tokens"] += drafts
        if self._step_us is not None:
            return self._step_us(*self.members)
        beta = self.machine.beta
        return int((beta[0] + beta[1] * (tokens + drafts)) + beta[2] * len(decode))

    # -- tokens that were guessed (docs/speculative.md)

    def _drafting_us(self) -> int:
        decodes = any(not job.prefilling for job in self.batch)
        return self.machine.drafts * self.machine.draft_us if decodes else 0

    def _guesses_for(self, job: Job) -> bool:
        return self.machine.drafts > 0 and not job.prefilling

    def _checked(self, job: Job, end: int) -> None:
        """Give a member its next token, and the guessed ones that hold."""
        luck = _hashed(job.request.uniform, job.generated)
        held = sum(luck < chance for chance in self.machine.accepts[: self.machine.drafts])
        more = min(held, job.output_tokens - job.generated - 1)
        self._token_out(job, end)
        job.computed += 1 + more
        job.generated += more
        job.accepted += more
        self.order.computed(job, more)
        self.counters["output_tokens"] += more

    def _store_drafts(self, job: Job) -> bool:
        """Obtain blocks for the next token and the drafts; only the next token is known, and gives keys."""
        size, held = self.machine.block_size_tokens, len(self.kv.held[job.row])
        end = job.computed + 1 + self.machine.drafts
        if end > held * size and not self.kv.allocate(job.row, held * size, end, None):
            return False
        first = max(0, job.computed - self.machine.drafts) // size  # some may have held in the step before
        self.kv.give_keys(job.row, first, (job.computed + 1) // size, self._keys_of(job))
        return True

    def _reserved(self) -> int:
        """Return the part of a step's tokens that is for those who decode, before all others; 0 without drafts."""
        each = 1 + self.machine.drafts
        return each * sum(not job.prefilling for job in self.batch) if self.machine.drafts else 0

    def _with_adapters(self, duration: int) -> int:
        """A step whose batch has an adapter takes longer."""
        any_has = any(job.request.adapter != BASE for job in self.batch)
        return int(duration * self.machine.lora.step_factor) if any_has else duration

    def _token_out(self, job: Job, end: int) -> None:
        first = job.generated == 0
        if first:
            job.first_token_us, job.first_step = end, self.counters["steps"]
            if job.output_tokens == 0 and not self.compat.first_token_without_output:
                job.first_token_us = -1
            else:
                job.ttft_us = end + self.overhead_us - job.request.arrival_us
        else:
            job.itl_us.append(end - job.last_token_us + self.overhead_us)
        job.generated += 1
        job.prefilling = False
        job.last_token_us, job.last_step = end, self.counters["steps"]
        if job.output_tokens > 0:
            self.order.computed(job, 1)
            self.counters["output_tokens"] += not (first and self.compat.decode_tokens_only)

    def _complete(self, job: Job, end: int, duration: int) -> None:
        if self.compat.last_gap_twice:
            job.itl_us.append(duration + self.overhead_us)
            if job.output_tokens > 0 and not self._store(job, 1):
                self.counters["allocation_failures"] += 1
        if job.of is None:
            self.kv.release(job.row)
        if job in self.batch:
            self.batch.remove(job)
        job.status, job.completed_us = COMPLETED, end
        self.answers_us.append(end)
        answered_us = job.ttft_us if job.ttft_us >= 0 else end - job.request.arrival_us
        job.e2e_us = answered_us + sum(job.itl_us)
        self.counters["completed"] += 1
        self.last_completion_us = max(self.last_completion_us, end)
        self._push(end, LEFT_EVENT, job)
        if job.of is not None and self.on_prefilled is not None:
            self.prefilled += 1
            self.exporting.append(job)
            self.on_prefilled(job, end)
        elif self.on_answer is not None:
            self.on_answer(job)

    # -- batch formation (section 6)

    def _form_batch(self, now: int) -> bool:
        """Choose the members of the step; False if there is no step because all queued work was dropped."""
        self.queue = self.order.ordered(self.queue)
        self._alone = len(self.batch) + len(self._leaving) + len(self.queue) == 1
        self._transfer_us = 0
        made_room = self.setup.preemption == "priority" and self._make_room()
        budget, evicted = self._serve_running(self.machine.max_scheduled_tokens)
        if made_room or evicted:
            return bool(self.batch or self.queue)
        while not self.batch + self._leaving and self.queue and not self._fits(self.queue[0].known):
            self._drop(self.queue.pop(0))  # grown beyond the whole cache, which only Q10 lets happen
        self._admit(now, budget)
        if self.queue and not (self.batch or self._leaving or self.importing or self.exporting):
            raise EngineError(f"an empty instance refused request {self.queue[0].row}, which fits")
        return bool(self.batch)

    def _make_room(self) -> bool:
        """Evict the least urgent members until the step's blocks are free; return whether there were any."""
        before = len(self.batch)
        while self._needed_blocks() > len(self.kv.free):
            self._evict(least_urgent(self.batch, self.setup))
        return len(self.batch) < before

    def _needed_blocks(self) -> int:
        """Return the blocks that the members need in this step, each with the tokens it would get."""
        budget, size, needed = self.machine.max_scheduled_tokens, self.machine.block_size_tokens, 0
        budget -= self._reserved()
        for job in self.batch:
            if self._guesses_for(job):
                needed += ceil_div(job.computed + 1 + self.machine.drafts, size) - len(self.kv.held[job.row])
                continue
            new = self._chunk(job.known - job.computed, budget)
            needed += ceil_div(job.computed + new, size) - ceil_div(job.computed, size)
            budget -= new
        return needed

    def _serve_running(self, budget: int) -> tuple[int, bool]:
        """Give every running member its tokens, evicting from the tail; return the budget left and "evicted"."""
        served, evicted = 0, False
        budget -= self._reserved()
        while served < len(self.batch):
            job = self.batch[served]
            guesses = self._guesses_for(job)
            if budget == 0 and not self.machine.drafts:
                raise EngineError("a running request got no token: admissions must leave one for each (15, L9)")
            new = 1 + self.machine.drafts if guesses else self._chunk(job.known - job.computed, budget)
            while job.status == RUNNING and not (self._store_drafts(job) if guesses else self._store(job, new)):
                self._evict(self.batch[-1])
                evicted = True
            if job.status != RUNNING:  # it had to evict itself
                break
            job.new, job.context = new, job.computed
            budget -= 0 if guesses else new
            served += 1
        return budget, evicted

    def _chunk(self, wanted: int, budget: int) -> int:
        threshold = self.machine.long_prefill_threshold
        if self._alone and self.switches.whole_lone_prefill:
            threshold = 0
        return min(wanted, budget, threshold if threshold > 0 else wanted)

    def _store(self, job: Job, new: int) -> bool:
        """Obtain KV for a running request's next tokens."""
        return self.kv.allocate(job.row, job.computed, job.computed + new, self._key_of(job))

    def _key_of(self, job: Job) -> Callable[[int], int] | None:
        return self._keys_of(job) if job.keyed else None

    def _evict(self, job: Job) -> None:
        """Preempt a member: it keeps its generated tokens and goes to the front of the queue (Q9)."""
        self.batch.remove(job)
        self.kv.release(job.row)
        job.status, job.computed = QUEUED, 0
        job.preemptions += 1
        self.counters["preemptions"] += 1
        if not self.batch and not self._leaving and not self._fits(job.known):
            self._drop(job)  # it had the whole cache, and has outgrown it, which only Q10 lets happen
        else:
            self.queue.insert(0, job)

    def _admit(self, now: int, budget: int) -> None:
        """Admit from the head of the queue until something is missing; a refused head blocks all (6.2)."""
        budget = self._admit_arrived(now, budget)
        passed_over = 0
        while budget > 0 and len(self.batch) + len(self._leaving) < self.machine.max_running:
            members = [job.request for job in self.batch]
            while passed_over < len(self.queue) and self.adapters.bars(self.queue[passed_over].request, members):
                passed_over += 1
            if passed_over == len(self.queue):
                return
            job, size = self.queue[passed_over], self.machine.block_size_tokens
            attach, reload = self._cached(job)
            if job.kv == "remote":
                if not self._ask(job, attach, now):
                    return
                continue
            found = len(attach) + len(reload)
            start = found * size
            new = self._chunk(job.known - start, budget)
            job.keyed = new > 0
            must_fit = job.known if self.switches.reserve_full_prompt else 0
            if new > 0 and not self.kv.allocate(
                job.row, start, start + new, self._key_of(job), attach, reload, must_fit
            ):
                return
            if new > 0 and reload:
                transfer_us = math.ceil(len(reload) / self.machine.transfer_bandwidth)
                self._transfer_us += self.machine.transfer_base_latency_us + transfer_us
            self._bring_adapter(job)
            self.batch.append(self.queue.pop(passed_over))
            job.computed, job.new, job.prefilling, job.status = start, new, True, RUNNING
            job.context = 0 if self.compat.free_context else start
            budget -= max(new, 1)  # a free admission (Q11) leaves less room all the same, so L9 holds
            if job.scheduled_us < 0 or self.compat.last_scheduling_delay:
                job.scheduled_us = now
            if job.cached_tokens < 0:
                job.cached_tokens = start
            self._count_lookup(job.preemptions > 0, job.prompt_tokens // size, len(attach), found)

    def _bring_adapter(self, job: Job) -> None:
        """The step waits until the adapter of a request is on the GPU."""
        load, fetch = self.adapters.bring(job.request, [each.request for each in self.batch])
        waits_us = load * self.machine.lora.load_us + fetch * self.machine.lora.fetch_us
        for name, more in (("adapter_loads", load), ("adapter_fetches", fetch), ("adapter_us", waits_us)):
            self.counters[name] += more
        self._transfer_us += waits_us
        if job.request.adapter != BASE:
            job.adapter_us = max(job.adapter_us, 0) + waits_us

    def _ask(self, job: Job, attach: list[int], now: int) -> bool:
        """Take blocks for all of a prompt that is not cached here, and ask for its KV; False if there are too few."""
        size = self.machine.block_size_tokens
        start = len(attach) * size
        if not self.kv.allocate(job.row, start, job.prompt_tokens, None, attach):
            return False
        self.importing.append(self.queue.pop(0))
        job.kv, job.asked_us, job.cached_tokens = "coming", now, start
        job.moved_blocks = ceil_div(job.prompt_tokens - start, size)
        self._count_lookup(False, job.prompt_tokens // size, len(attach), len(attach))
        if self.on_ask is not None:
            self.on_ask(job, now)
        return True

    def _admit_arrived(self, now: int, budget: int) -> int:
        """Whoever's KV has come computes the last token of its prompt, before all others; return the budget left."""
        size = self.machine.block_size_tokens
        for job in [each for each in self.importing if each.kv == "here"]:
            if budget == 0 or len(self.batch) + len(self._leaving) >= self.machine.max_running:
                break
            self.importing.remove(job)
            self.batch.append(job)
            job.kv = "local"
            self.kv.give_keys(job.row, job.cached_tokens // size, job.prompt_tokens // size, self._keys_of(job))
            job.computed, job.new, job.context = job.prompt_tokens - 1, 1, job.prompt_tokens - 1
            job.prefilling, job.status, job.scheduled_us = True, RUNNING, now
            budget -= 1
        return budget

    def _keys_of(self, job: Job) -> Callable[[int], int]:
        """Return the key of each of its blocks; what only a request has that is sent again is new each time."""
        again = (job.of or job).retries
        return lambda block: self.keys.key(job.row, block) if not again else self.keys.key_again(job.row, block, again)

    def _count_lookup(self, again: bool, prompt_blocks: int, attached: int, found: int) -> None:
        """Count the prompt's blocks; a preempted request mostly finds its own, and is counted apart."""
        blocks, hits = ("again_blocks", "again_hit_blocks") if again else ("lookup_blocks", "lookup_hit_blocks")
        self.counters[blocks] += prompt_blocks
        self.counters[hits] += min(found, prompt_blocks)
        if not again:
            self.counters["lookup_cpu_hit_blocks"] += max(0, min(found, prompt_blocks) - attached)

    def _cached(self, job: Job) -> tuple[list[int], list[int]]:
        """Return the GPU blocks of the leading full blocks, and the keys that the second tier has after them."""
        free_full_hit = self.compat.free_full_hit and job.generated == 0
        usable = job.known - (0 if free_full_hit else 1)  # at least one token is computed (8.4)
        keys = [self._keys_of(job)(block) for block in range(usable // self.machine.block_size_tokens)]
        attach = self.kv.lookup(keys)
        behind = keys[len(attach) :]
        return attach, behind[: self.kv.cpu.match(behind)]
