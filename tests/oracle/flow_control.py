"""The gateway queue: admitted requests wait until the cluster has room (policies.md 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle.engine import Job
from tests.oracle.setup import Setup
from tests.oracle.view import View


@dataclass(frozen=True)
class _Waiting:
    """A request at the gateway."""

    job: Job
    band: float  # class priority
    since_us: int


class Gateway:
    """Bands by class priority, in each a flow for every tenant."""

    def __init__(self, setup: Setup, view: View) -> None:
        """Nobody waits."""
        self._setup, self._view, self._control = setup, view, setup.flow_control
        self._waiting: list[_Waiting] = []
        self._served: dict[float, int] = {}  # band -> tenant served last
        self._round: dict[float, int] = {}  # band -> requests that it has been given in the round at hand

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def joins(self, job: Job, now: int) -> bool:
        """Let an admitted request wait; False if its band is full."""
        band = self._setup.tier(job.request.slo_class).priority
        most = self._own(band, "max_requests", self._control.max_requests_per_band)
        if sum(waiting.band == band for waiting in self._waiting) >= most:
            return False
        self._waiting.append(_Waiting(job, band, now))
        return True

    def withdraw(self, job: Job) -> None:
        """Nobody waits for it any more."""
        self._waiting = [each for each in self._waiting if each.job is not job]

    def look(self, route: Callable[[Job], None]) -> None:
        """Route whom the cluster has room for."""
        while self._waiting and self._has_room():
            waiting = self._next()
            self._waiting.remove(waiting)
            self._served[waiting.band] = waiting.job.request.tenant
            self._round[waiting.band] = self._round.get(waiting.band, 0) + 1
            route(waiting.job)

    def expired(self, now: int) -> list[Job]:
        """Remove all that have waited too long, the most urgent band first."""
        late = [each for each in self._waiting if now - each.since_us > self._ttl_us(each.band)]
        self._waiting = [each for each in self._waiting if each not in late]
        return [each.job for each in sorted(late, key=lambda each: -each.band)]

    def _ttl_us(self, band: float) -> float:
        """How long a request may wait."""
        return self._own(band, "ttl_us", self._control.ttl_us) or float("inf")

    def _own(self, band: float, name: str, other: int) -> int:
        """What a band is given of its own, else what all have."""
        given = [getattr(each, name) for each in self._control.priority_bands if each.priority == band]
        return other if given in ([], [None]) else given[0]

    def _order(self, waiting: _Waiting) -> tuple[float, int, int]:
        request = waiting.job.request
        due = 0.0
        if self._control.ordering != "fcfs":
            due = request.arrival_us + self._setup.tier(request.slo_class).ttft_ms * 1000.0
        return due, request.arrival_us, waiting.job.row

    def _next(self) -> _Waiting:
        """Whose turn it is in the band whose turn it is."""
        band = self._band()
        members = [waiting for waiting in self._waiting if waiting.band == band]
        if self._control.fairness == "round-robin":
            tenants = sorted({waiting.job.request.tenant for waiting in members})
            after = [tenant for tenant in tenants if tenant > self._served.get(band, -1)]
            turn = (after or tenants)[0]
            members = [waiting for waiting in members if waiting.job.request.tenant == turn]
        return min(members, key=self._order)

    def _band(self) -> float:
        """The highest band, or in rounds the highest that has not yet been given its weight."""
        bands = {waiting.band for waiting in self._waiting}
        if self._control.bands == "strict":
            return max(bands)
        left = [band for band in bands if self._round.get(band, 0) < self._own(band, "weight", 1)]
        if not left:
            self._round.clear()
        return max(left or bands)

    def _has_room(self) -> bool:
        """What the detector says of all instances."""
        control, view = self._control, self._view
        there = [j for j in range(self._setup.instances) if view.there[j]]
        n = len(there)
        if self._setup.autoscaling.any and not any(view.online(j) for j in there):
            return False
        if control.detector == "never":
            return True
        total = 0.0
        if control.detector == "concurrency":
            for j in there:
                total += view.in_flight(j)
            return total / (n * control.max_concurrency) < 1.0
        for j in there:
            waiting = view.queue_depth(j) + view.pending(j)
            total += max(waiting / control.queue_threshold, view.kv(j) / control.kv_threshold)
        return total / n < 1.0
