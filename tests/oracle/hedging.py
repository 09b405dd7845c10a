"""Copies of requests that get no first token, one look at everybody at a time (docs/hedging.md)."""

from __future__ import annotations

from collections.abc import Sequence

from blis.config import Hedging
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, LOST, NOT_ARRIVED, REJECTED
from tests.oracle.engine import Engine, Job

INFINITY = float("inf")


class Hedges:
    """Who is due for a copy, who races with whom, who serves whom. The copy of request r is job n + r."""

    def __init__(self, hedging: Hedging, jobs: Sequence[Job], requests: int, engines: Sequence[Engine]) -> None:
        """Nobody has been sent anywhere."""
        self._hedging, self._engines = hedging, engines
        self._jobs, self._copies = jobs[:requests], jobs[requests:] if hedging.any else []
        self._saved = hedging.saved
        self._looked_us = -1
        self._sent: set[tuple[int, int]] = set()  # whose copies were due when, some of them not on their way yet
        self.races: list[tuple[Job, Job]] = []
        self.serving = list(self._jobs)
        self.wasted_tokens = 0
        for job, copy in zip(self._jobs, self._copies, strict=False):
            copy.origin = job

    def next_us(self, now: int) -> float:
        """When somebody is due or decided next, if nothing happens before."""
        dues = [due for due in map(self._due_us, self._jobs) if due >= now and due > self._looked_us]
        return min([*dues, *(min(map(_token_us, race)) for race in self.races)], default=INFINITY)

    def decided(self, now: int) -> list[tuple[Job, Job]]:
        """Who gives a first token at that instant, and who loses the race."""
        found = []
        for race in sorted(self.races, key=lambda race: race[0].row):
            if min(map(_token_us, race)) == now:
                winner, loser = sorted(race, key=_token_us)
                self._end(race)
                self.serving[race[0].row] = winner
                if loser.cached_tokens >= 0:
                    computed = min(self._engines[loser.instance].computed(loser), loser.prompt_tokens)
                    self.wasted_tokens += max(0, computed - loser.cached_tokens)
                found.append((winner, loser))
        return found

    def due(self, now: int) -> list[Job]:
        """The copies that are to be sent at that instant; they are paid for."""
        self._looked_us, found = now, []
        for job in sorted(self._jobs, key=lambda job: job.sent):
            if self._due_us(job) == now and self._saved >= 1 and (job.row, now) not in self._sent:
                self._sent.add((job.row, now))
                self._saved -= 1
                found.append(self._copies[job.row])
        return found

    def nowhere(self) -> None:
        """There was no other instance for a copy."""
        self._saved = min(self._saved + 1, 10 * self._hedging.saved)

    def pays(self, job: Job) -> None:
        """A request is sent for the first time."""
        if job.origin is None and job.retries == 0:
            self._saved = min(self._saved + self._hedging.budget, 10 * self._hedging.saved)

    def begin(self, copy: Job) -> None:
        """A copy is on its way."""
        assert copy.origin is not None
        self.races.append((copy.origin, copy))

    def lost(self, job: Job) -> Job | None:
        """The other of a race goes on alone, if there is one."""
        for race in self.races:
            if job in race:
                self._end(race)
                other = race[race[0] is job]
                if other.status == DROPPED:
                    return None
                self.serving[race[0].row] = other
                return other
        return None

    def undecided(self, job: Job) -> bool:
        """Whether it is not known yet if a job serves its request."""
        return any(job in race for race in self.races)

    def sent_again(self, job: Job) -> int:
        """How often a request was, it and its copy."""
        first = job.origin or job
        return first.retries + (self._copies[first.row].retries if self._copies else 0)

    def outcome(self, row: int) -> Job:
        """The job that says what became of a request."""
        job = self.serving[row]
        if not self._copies or job.status != DROPPED:
            return job
        other = self._copies[row] if job is self._jobs[row] else self._jobs[row]
        return job if other.status in (NOT_ARRIVED, DROPPED, LOST, ABANDONED) else other

    def hedged(self) -> list[bool]:
        """Of which requests a copy was sent."""
        return [copy.status != NOT_ARRIVED for copy in self._copies]

    def _end(self, race: tuple[Job, Job]) -> None:
        self.races = [other for other in self.races if other is not race]

    def _due_us(self, job: Job) -> float:
        over = job.status in (REJECTED, COMPLETED, DROPPED, LOST, ABANDONED) or job.instance < 0
        if not self._copies or over or self._copies[job.row].status != NOT_ARRIVED:
            return INFINITY
        due = job.routed_us + self._hedging.after_us
        return due if _token_us(job) >= due else INFINITY


def _token_us(job: Job) -> float:
    """When it gives its first token, or ends without any."""
    time = job.first_token_us if job.output_tokens else job.last_token_us
    return time if time >= 0 else INFINITY
