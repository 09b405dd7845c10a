"""The life of instances: when they fail, for how long they are gone, what the router knows of it (docs/failures.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from blis.config.limits import LONGEST_US, MAX_INSTANCES
from blis.errors import InputError, check_integer, check_number


@dataclass(frozen=True)
class Outage:
    """Instances that fail together, or are taken away, and for how long they are gone.

    drain_us: from `at_us` on the router sends them nobody, and so long after that they are taken away. None: they fail
    at `at_us`, and nobody is told.
    """

    instances: tuple[int, ...]
    at_us: int
    down_us: int
    drain_us: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.instances:
            raise InputError("instances must name at least one instance")
        for instance in self.instances:
            check_integer("instances", instance, 0, MAX_INSTANCES - 1)
        check_integer("at_us", self.at_us, 0, LONGEST_US)
        check_integer("down_us", self.down_us, 1, LONGEST_US)
        if self.drain_us is not None:
            check_integer("drain_us", self.drain_us, 0, LONGEST_US)

    @property
    def gone_us(self) -> int:
        """When they are gone."""
        return self.at_us + (self.drain_us or 0)


@dataclass(frozen=True)
class Failures:
    """Who fails when. An instance says at every instant k * heartbeat_us that it is there (0 = at every moment)."""

    scheduled: tuple[Outage, ...] = ()
    mtbf_us: int = 0  # besides: how long each instance serves until it fails, in the mean; 0 = it never does
    mttr_us: int = 0  # … and for how long it is gone
    heartbeat_us: int = 5_000_000
    offline_after_us: int = 15_000_000  # without a heartbeat; until then the router believes that it is there

    def __post_init__(self) -> None:
        """Check the numbers, and that nobody who is there is believed gone."""
        check_integer("failures.mtbf_us", self.mtbf_us, 0, LONGEST_US)
        check_integer("failures.mttr_us", self.mttr_us, 0, LONGEST_US)
        check_integer("failures.heartbeat_us", self.heartbeat_us, 0, LONGEST_US)
        check_integer("failures.offline_after_us", self.offline_after_us, self.heartbeat_us, LONGEST_US)

    @property
    def any(self) -> bool:
        """Whether anybody ever fails."""
        return bool(self.scheduled) or self.mtbf_us > 0

    def without(self, lost: int) -> Failures:
        """Those of the cluster that has lost this instance for good: whoever stands behind it moves up."""
        left = [tuple(i - (i > lost) for i in outage.instances if i != lost) for outage in self.scheduled]
        outages = zip(self.scheduled, left, strict=True)
        return replace(self, scheduled=tuple(replace(outage, instances=who) for outage, who in outages if who))


@dataclass(frozen=True)
class Startup:
    """How an instance begins to serve: one that comes back after a failure, and one that the autoscaler starts."""

    load_us: int = 0  # it loads the model for so long before it serves …
    warm_up_us: int = 0  # … and for so long after that its steps are slower
    warm_up_factor: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("startup.load_us", self.load_us, 0, LONGEST_US)
        check_integer("startup.warm_up_us", self.warm_up_us, 0, LONGEST_US)
        check_number("startup.warm_up_factor", self.warm_up_factor, 1, 1000)


@dataclass(frozen=True)
class Retries:
    """Whether a request whose instance has failed is sent again, and how often all of them may be.

    Each request that is sent for the first time adds `budget` to what is saved, and each retry takes one from it.
    """

    limit: int = 0  # retries of one request; 0: it is lost
    budget: float = 0.2  # retries a request
    saved: float = 100.0  # retries saved up at the start; at most ten times as many ever are
    backoff_us: int = 100_000  # before the first retry of a request; twice as long before each that follows

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("retries.limit", self.limit, 0, 20)
        check_number("retries.budget", self.budget, 0, 100)
        check_number("retries.saved", self.saved, 0, 1e9)
        check_integer("retries.backoff_us", self.backoff_us, 0, 3_600_000_000)


@dataclass(frozen=True)
class Breaker:
    """A circuit breaker before every instance: one that fails again and again gets nothing for a while."""

    failures: int = 0  # in a row; 0: there is no breaker
    open_us: int = 1_000_000  # nothing for so long, then one request each time until one is answered

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("breaker.failures", self.failures, 0, 1_000_000)
        check_integer("breaker.open_us", self.open_us, 1, 3_600_000_000)
