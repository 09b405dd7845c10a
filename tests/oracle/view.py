"""What the control plane knows of the instances: live, read on a time grid, or refreshed lazily (policies.md 2)."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from blis.tables.records import ABANDONED, COMPLETED, DROPPED, IN_TRANSIT, LOST
from tests.oracle.breakers import Breakers
from tests.oracle.engine import Asked, Engine, Job
from tests.oracle.lives import Lives
from tests.oracle.requests import BlockKeys
from tests.oracle.setup import Setup


class View:
    """The signals. A grid reading is taken in the state before that instant's events."""

    def __init__(self, setup: Setup, engines: Sequence[Engine], keys: BlockKeys) -> None:
        """Begin with empty instances, which is also the reading at time 0."""
        self.lives = Lives(setup.failures, setup.startup.load_us, setup.instances)
        self._setup, self._engines, self._keys = setup, engines, keys
        self.breakers, self._now = Breakers(setup.breaker, engines), 0
        ages = {
            "queue_depth": setup.queue_age_us,
            "batch_size": setup.batch_age_us,
            "kv": setup.kv_age_us,
            "cache": setup.cache_age_us,
            "lora": setup.lora_age_us,
        }
        self._ages = {name: age for name, age in ages.items() if age > 0}
        self._grid = dict.fromkeys(self._ages, 0)
        self._refresh_us, self._refreshed_us = setup.snapshot_refresh_us, 0
        delayed = [*self._ages, *(["kv"] if self._refresh_us > 0 else [])]
        self._seen: dict[str, list[Any]] = {}
        for name in delayed:
            self._seen[name] = self._read_all(name)
        self._sent: list[list[Job]] = [[] for _ in engines]
        self.there = [j < setup.served_at_start for j in range(setup.instances)]  # to the autoscaler, ready

    def __len__(self) -> int:
        """The number of instances."""
        return len(self._engines)

    # -- what happens

    def before_event(self, now: int) -> None:
        """Take the readings that are due at a grid point up to now; no event since has run yet."""
        self._now = now
        for name, age in self._ages.items():
            if now // age > self._grid[name]:
                self._grid[name] = now // age
                self._seen[name] = self._read_all(name)

    def at_decision(self, now: int) -> None:
        """Read the KV use again if its lazy refresh is due."""
        if self._refresh_us > 0 and now - self._refreshed_us >= self._refresh_us:
            self._refreshed_us = now
            self._seen["kv"] = self._read_all("kv")

    def sent(self, job: Job, instance: int) -> None:
        """Remember where a request was routed."""
        self._sent[instance].append(job)

    def lost(self, job: Job, instance: int) -> None:
        """Forget it."""
        self._sent[instance].remove(job)

    # -- who may run a request

    def pool(self, role: str) -> list[int]:
        """The instances that may decode, or compute prompts for others."""
        return [j for j in range(len(self)) if self._setup.machine(j).role in (role, "both")]

    def eligible(self, job: Job, role: str = "decode") -> list[int]:
        """The instances of a role that match a request's placement and that are not believed to fail, in order."""
        placement = job.request.placement
        allowed = (j for j in self.pool(role) if placement.allows(self._setup.machine(j).labels))
        return [j for j in allowed if self.online(j) and not self.breakers.open(j, self._now) and j != job.not_on]

    def allowed(self, job: Job) -> bool:
        """Whether an instance that comes may run the request: all are alike."""
        return bool(job.request.placement.allows({}))

    def online(self, j: int) -> bool:
        """Whether requests may be sent to an instance at all."""
        return self.there[j] and not self.lives.offline[j]

    def preference(self, j: int, job: Job) -> float:
        """The share of the labels a request prefers that an instance carries."""
        return job.request.placement.preference(self._setup.machine(j).labels)

    # -- the signals

    def queue_depth(self, j: int) -> int:
        """Waiting requests."""
        return int(self._value("queue_depth", j))

    def batch_size(self, j: int) -> int:
        """Requests in the batch."""
        return int(self._value("batch_size", j))

    def kv(self, j: int) -> float:
        """Used blocks / blocks."""
        return float(self._value("kv", j))

    def adapters(self, j: int) -> Asked:
        """The LoRA adapters of those who run, and of those who wait."""
        found: Asked = self._value("lora", j)
        return found

    def max_loras(self, j: int) -> int:
        """Different adapters that a batch may have."""
        return self._setup.machine(j).lora.max_loras

    def cache(self, j: int, job: Job) -> int:
        """Count the leading full blocks of the prompt that really are in the GPU cache."""
        cached: AbstractSet[int] = self._value("cache", j)
        count = 0
        for key in self.prompt_keys(job):
            if key not in cached:
                break
            count += 1
        return count

    def pending(self, j: int) -> int:
        """Requests routed here that are not in the wait queue yet, nor with an instance that computes their prompt."""
        return sum(job.status == IN_TRANSIT and not job.elsewhere for job in self._in_flight(j))

    def in_flight(self, j: int) -> int:
        """Requests routed here that have not left."""
        return len(self._in_flight(j))

    def in_flight_tokens(self, j: int) -> int:
        """The prompt tokens of these."""
        return sum(job.prompt_tokens for job in self._in_flight(j))

    def load(self, j: int) -> int:
        """EffectiveLoad."""
        return self.queue_depth(j) + self.batch_size(j) + self.pending(j)

    def completions(self) -> int:
        """Requests that the whole cluster has completed so far."""
        return sum(engine.counters["completed"] - engine.prefilled for engine in self._engines)

    def prompt_keys(self, job: Job) -> list[int]:
        """The content keys of a prompt's full blocks, those that nobody knows as one."""
        size, own = self._setup.block_size_tokens, -job.retries - 100 * job.row
        keys = self.all_keys(job)
        return [own if self.is_new(job, (block + 1) * size) else key for block, key in enumerate(keys)]

    def all_keys(self, job: Job) -> list[int]:
        """The content keys of a prompt's full blocks."""
        return self._keys.keys(job.row, job.prompt_tokens // self._setup.block_size_tokens)

    def is_new(self, job: Job, end: int) -> bool:
        """Whether nobody knows so much of a prompt: it is sent again, and nobody else has it."""
        return job.retries > 0 and not self._keys.shared(job.request.prompt[:end])

    def _in_flight(self, j: int) -> list[Job]:
        self._sent[j] = [job for job in self._sent[j] if job.status not in (COMPLETED, DROPPED, LOST, ABANDONED)]
        return self._sent[j]

    def _value(self, name: str, j: int) -> Any:
        return self._seen[name][j] if name in self._seen else self._read(name, self._engines[j])

    def _read_all(self, name: str) -> list[Any]:
        """Copy a signal of all instances; one that is down is not read, but for its cache, which stays as it was."""
        if name == "cache":
            return [set(engine.kv.cached) for engine in self._engines]
        engines = enumerate(self._engines)
        return [self._seen[name][j] if engine.down else self._read(name, engine) for j, engine in engines]

    def _read(self, name: str, engine: Engine) -> Any:
        if engine.down and name != "cache":
            return engine.seen[("queue_depth", "batch_size", "kv", "lora").index(name)]
        if name == "queue_depth":
            return engine.waiting
        if name == "lora":
            return engine.asked()
        if name == "batch_size":
            return len(engine.batch)
        return engine.kv.used / engine.kv.total if name == "kv" else engine.kv.cached.keys()
