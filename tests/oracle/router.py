"""The front end: what it sees, whom it admits and where it sends them (cluster-and-policies.md 2.5, 3, 4)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from blis.config import Compat
from tests.oracle.engine import Engine, Job
from tests.oracle.requests import BlockKeys
from tests.oracle.setup import Setup


class View:
    """The router's picture of the instances: live, read on a time grid, or refreshed at decisions."""

    def __init__(self, setup: Setup, engines: Sequence[Engine]) -> None:
        """Begin with empty instances."""
        self._engines = engines
        self._ages = {"queue": setup.queue_age_us, "batch": setup.batch_age_us, "kv": setup.kv_age_us}
        self._grid = dict.fromkeys(self._ages, 0)
        self._refresh_us, self._refreshed_us = setup.snapshot_refresh_us, 0
        self._seen: dict[str, list[float]] = {name: [0] * len(engines) for name in self._ages}
        self.pending = [0] * len(engines)

    def before_event(self, now: int) -> None:
        """Take the readings that are due at a grid point up to now; no event since it has run yet."""
        for name, age in self._ages.items():
            if age > 0 and now // age > self._grid[name]:
                self._grid[name] = now // age
                self._seen[name] = self._read(name)

    def at_decision(self, now: int) -> None:
        """Read what is live, and the KV use if its refresh interval has passed."""
        for name, age in self._ages.items():
            if age == 0 and not (name == "kv" and self._refresh_us > 0):
                self._seen[name] = self._read(name)
        if self._refresh_us > 0 and now - self._refreshed_us >= self._refresh_us:
            self._refreshed_us = now
            self._seen["kv"] = self._read("kv")

    def _read(self, name: str) -> list[float]:
        if name == "queue":
            return [len(engine.queue) for engine in self._engines]
        if name == "batch":
            return [len(engine.batch) for engine in self._engines]
        return [engine.kv.used / engine.kv.total for engine in self._engines]

    def waiting(self) -> list[float]:
        """Requests in each wait queue."""
        return self._seen["queue"]

    def utilization(self) -> list[float]:
        """Share of used KV blocks of each instance."""
        return self._seen["kv"]

    def loads(self) -> list[float]:
        """EffectiveLoad of each instance: waiting + running + pending."""
        return [sum(parts) for parts in zip(self._seen["queue"], self._seen["batch"], self.pending, strict=True)]


class Admission:
    """always-admit, reject-all or token-bucket (section 3)."""

    def __init__(self, setup: Setup) -> None:
        """Start with a full bucket."""
        self._setup = setup
        self._tokens, self._refilled_us = setup.bucket_capacity_tokens, 0

    def admits(self, job: Job, now: int) -> bool:
        """Decide on one request."""
        if self._setup.admission != "token-bucket":
            return self._setup.admission == "always-admit"
        elapsed = now - self._refilled_us
        if elapsed > 0:
            refilled = self._tokens + elapsed * self._setup.bucket_refill_tokens_per_s / 1e6
            self._tokens, self._refilled_us = min(self._setup.bucket_capacity_tokens, refilled), now
        if self._tokens < job.prompt_tokens:
            return False
        self._tokens -= job.prompt_tokens
        return True


class PrefixIndex:
    """What the router believes an instance has cached: block keys by recency (4.4)."""

    def __init__(self, capacity: int, root_first: bool) -> None:
        """Start empty; root_first ages a prompt's first block before its last, as the original does."""
        self._capacity, self._root_first = capacity, root_first
        self._recency: OrderedDict[int, None] = OrderedDict()  # oldest first

    def match(self, keys: Sequence[int]) -> int:
        """Count the leading keys that are present, without touching them."""
        for blocks, key in enumerate(keys):
            if key not in self._recency:
                return blocks
        return len(keys)

    def record(self, keys: Sequence[int]) -> None:
        """Touch every key of a routed prompt."""
        for key in keys if self._root_first else reversed(keys):
            if key not in self._recency and len(self._recency) >= self._capacity:
                self._recency.popitem(last=False)
            self._recency[key] = None
            self._recency.move_to_end(key)


class Router:
    """The routing templates of section 4."""

    def __init__(self, setup: Setup, compat: Compat, keys: BlockKeys) -> None:
        """Start without history."""
        self._setup, self._keys = setup, keys
        self._turn = 0
        self._indexes = [
            PrefixIndex(setup.prefix_index_blocks, compat.index_root_first) for _ in range(setup.instances)
        ]
        self._remembered: dict[object, int] = {}  # prefix-affinity: key -> instance

    def choose(self, job: Job, view: View) -> int:
        """Return the instance for a request, and remember what the policy remembers."""
        policy = self._setup.routing
        if policy == "round-robin":
            self._turn += 1
            return (self._turn - 1) % self._setup.instances
        if policy == "least-loaded":
            return self._best(job, [-load for load in view.loads()])
        if policy == "always-busiest":
            return view.loads().index(max(view.loads()))
        if policy == "prefix-affinity":
            return self._by_affinity(job, view)
        return self._weighted(job, view)

    def _best(self, job: Job, scores: Sequence[float]) -> int:
        best = [index for index, score in enumerate(scores) if score == max(scores)]
        return best[int(job.request.uniform * len(best))] if self._setup.tie_break == "random" else best[0]

    def _prompt_keys(self, job: Job) -> list[int]:
        return self._keys.keys(job.row, job.prompt_tokens // self._setup.block_size_tokens)

    def _weighted(self, job: Job, view: View) -> int:
        total_weight = sum(weight for _, weight in self._setup.scorers)
        composite = [0.0] * self._setup.instances
        for name, weight in self._setup.scorers:
            for index, score in enumerate(self._scores(name, job, view)):
                composite[index] += min(max(score, 0.0), 1.0) * (weight / total_weight)
        target = self._best(job, composite)
        if any(name == "prefix-affinity" for name, _ in self._setup.scorers):
            self._indexes[target].record(self._prompt_keys(job))
        return target

    def _scores(self, name: str, job: Job, view: View) -> list[float]:
        if name == "prefix-affinity":
            keys = self._prompt_keys(job)
            return [index.match(keys) / len(keys) if keys else 0.0 for index in self._indexes]
        if name == "kv-utilization":
            return [1.0 - used for used in view.utilization()]
        if name == "load-balance":
            return [1.0 / (1.0 + load) for load in view.loads()]
        values = view.loads() if name == "queue-depth" else view.waiting()
        low, high = min(values), max(values)
        return [(high - value) / (high - low) if high > low else 1.0 for value in values]

    def _by_affinity(self, job: Job, view: View) -> int:
        keys: list[object] = list(self._prompt_keys(job))
        if self._setup.affinity_last_block:  # the original: only the last full block, or all of a short prompt
            keys = keys[-1:] or [job.request.prompt]
        target = next((self._remembered[key] for key in reversed(keys) if key in self._remembered), None)
        if target is None:
            loads = view.loads()
            target = loads.index(min(loads))
        self._remembered.update(dict.fromkeys(keys, target))
        return target
