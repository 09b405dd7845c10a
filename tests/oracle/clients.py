"""Clients that give up and ask again, one look at everybody at a time (docs/clients.md)."""

from __future__ import annotations

from collections.abc import Sequence

from blis.config import Clients
from blis.tables.records import ABANDONED, COMPLETED, DROPPED, IN_TRANSIT, LOST, NOT_ARRIVED, REJECTED
from tests.oracle.engine import Job

INFINITY = float("inf")
FIRST, WHOLE = range(2)
LONGEST_RETRY_AFTER_US = 60_000_000


class Patience:
    """Who waits for what until when, and who asks how often. Attempt k of request r is job k n + r."""

    def __init__(self, clients: Clients, jobs: Sequence[Job]) -> None:
        """Nobody has asked yet."""
        self._clients, self._jobs = clients, jobs
        self.requests = len(jobs) // clients.attempts
        self._saved = clients.saved
        self._looked_us = -1

    def next_us(self, now: int) -> float:
        """When a client gives up next, if nothing happens before."""
        dues = (due for job in self._jobs for due, _ in self._dues(job))
        return min((due for due in dues if due >= now and due > self._looked_us), default=INFINITY)

    def gives_up(self, now: int) -> list[Job]:
        """Who gives up at that instant, in this order."""
        self._looked_us = now
        late = sorted((kind, job.row) for job in self._jobs for due, kind in self._dues(job) if due == now)
        return [self._jobs[row] for row in dict.fromkeys(row for _, row in late)]

    def hears(self, job: Job, now: int) -> bool:
        """Whether the client of a job that is completed, as is known now, still waits when the answer is there."""
        return (
            job.gave_up_us < 0
            and all(due <= now for due, kind in self._dues(job) if kind == FIRST)
            and (not self._clients.timeout_us or job.e2e_us < self._clients.timeout_us)
        )

    def _dues(self, job: Job) -> list[tuple[int, int]]:
        """When the client gives up, as far as is known, and for want of what."""
        over = job.status in (NOT_ARRIVED, REJECTED, DROPPED, LOST, ABANDONED)
        if over or job.gave_up_us >= 0:
            return []
        asked_us, clients, dues = job.request.arrival_us, self._clients, []
        if clients.first_token_timeout_us:
            token_us = job.ttft_us if job.output_tokens else job.e2e_us
            if not 0 <= token_us < clients.first_token_timeout_us:
                dues.append((asked_us + clients.first_token_timeout_us, FIRST))
        if clients.timeout_us and not (job.status == COMPLETED and job.e2e_us < clients.timeout_us):
            dues.append((asked_us + clients.timeout_us, WHOLE))
        return dues

    def comes(self, job: Job) -> None:
        """Whoever asks for the first time pays for others."""
        if self._clients.budget is not None and job.row < self.requests:
            self._saved = min(self._saved + self._clients.budget, 10 * self._clients.saved)

    def asks_again(self, job: Job, now: int) -> tuple[Job, int] | None:
        """The next attempt and when it comes, if there is one."""
        number, clients = job.row // self.requests, self._clients
        if number + 1 >= clients.attempts:
            return None
        if clients.budget is not None:
            if self._saved < 1:
                return None
            self._saved -= 1
        following = self._jobs[job.row + self.requests]
        share = 1.0 - clients.jitter * following.request.draws["backoff"]
        pause = max(1, int(clients.backoff_us * 2.0**number * share))
        if job.status == REJECTED and job.retry_after_us <= LONGEST_RETRY_AFTER_US:
            pause = max(pause, job.retry_after_us)
        return following, now + pause


def outcome(attempts: Sequence[Job], made: set[int]) -> dict[str, int]:
    """What a client has of its attempts: the columns of results that are not simply those of the latest one."""
    latest = [job for number, job in enumerate(attempts) if number == 0 or job.row in made][-1]
    first_us = attempts[0].request.arrival_us
    later_us = latest.request.arrival_us - first_us
    found = {name: getattr(latest, name) for name in ("status", "instance", "completed_us", "first_token_us")}
    found["row"] = latest.row
    found["asked"] = sum(job is attempts[0] or job.status != NOT_ARRIVED for job in attempts)
    if latest.row in made and latest.status == NOT_ARRIVED:
        found["status"] = IN_TRANSIT
    if latest.gave_up_us >= 0:
        found |= {"status": ABANDONED, "completed_us": -1}
    completed = found["status"] == COMPLETED
    greeted = latest.ttft_us >= 0
    if latest.gave_up_us >= 0 and latest.request.arrival_us + latest.ttft_us >= latest.gave_up_us:
        greeted, found["first_token_us"] = False, -1
    found["e2e_us"] = latest.e2e_us + later_us if completed else -1
    found["ttft_us"] = latest.ttft_us + later_us if greeted else -1
    return found
