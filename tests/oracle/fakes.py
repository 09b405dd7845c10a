"""A picture of the instances written by hand, in place of the oracle's View: to test policies by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from blis.tables.placement import Placement
from tests.oracle import OracleRequest
from tests.oracle.engine import Job


@dataclass
class Seen:
    """The signals of some instances; every list has one number an instance."""

    queue: list[int]
    batch: list[int] = field(default_factory=list)
    used: list[float] = field(default_factory=list)
    on_the_way: list[int] = field(default_factory=list)
    active: list[int] = field(default_factory=list)
    active_tokens: list[int] = field(default_factory=list)
    cached: list[int] = field(default_factory=list)
    labels: list[dict] = field(default_factory=list)
    completed: int = 0
    block_tokens: int = 4

    def __post_init__(self) -> None:
        for name in ("batch", "used", "on_the_way", "active", "active_tokens", "cached"):
            setattr(self, name, getattr(self, name) or [0] * len(self.queue))
        self.labels = self.labels or [{} for _ in self.queue]

    def __len__(self) -> int:
        return len(self.queue)

    def pool(self, role):
        return list(range(len(self)))

    def eligible(self, job, role="decode"):
        return [j for j, labels in enumerate(self.labels) if job.request.placement.allows(labels)]

    def preference(self, j, job):
        return job.request.placement.preference(self.labels[j])

    def queue_depth(self, j):
        return self.queue[j]

    def batch_size(self, j):
        return self.batch[j]

    def kv(self, j):
        return self.used[j]

    def cache(self, j, job):
        return self.cached[j]

    def pending(self, j):
        return self.on_the_way[j]

    def in_flight(self, j):
        return self.active[j]

    def in_flight_tokens(self, j):
        return self.active_tokens[j]

    def load(self, j):
        return self.queue[j] + self.batch[j] + self.on_the_way[j]

    def completions(self):
        return self.completed

    def is_new(self, job, end):
        return False

    def all_keys(self, job):
        return self.prompt_keys(job)

    def prompt_keys(self, job):
        prompt, size = job.request.prompt, self.block_tokens
        return [hash(prompt[: (k + 1) * size]) for k in range(len(prompt) // size)]


def job(row: int = 0, tokens: int = 16, first: int = 0, **request) -> Job:
    """A request of some consecutive tokens."""
    draws = {"choice-1": 0.0, "choice-2": 0.0, "picker": 0.0, "admission": 0.0, **request.pop("draws", {})}
    placement = request.pop("placement", Placement())
    arrival_us = request.pop("arrival_us", 0)
    prompt = tuple(range(first, first + tokens))
    return Job(row, OracleRequest(arrival_us, prompt, (1,), placement=placement, draws=draws, **request))
