"""What an observer of the control plane is shown: decisions with their views, and a series of samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blis.tables.records import REJECTED
from tests.oracle.engine import Engine, Job
from tests.oracle.router import Router
from tests.oracle.view import View


@dataclass(frozen=True)
class InstanceView:
    """One instance as a routing decision saw it."""

    eligible: bool
    score: float | None  # None: not eligible, or filtered out
    queue_depth: int
    batch_size: int
    kv: float
    cache: int
    pending: int
    in_flight: int
    in_flight_tokens: int
    matched_blocks: int
    adapter_active: bool
    adapter_waits: bool
    adapters: int


@dataclass(frozen=True)
class Sample:
    """The state before the events of an instant; lists have one number an instance."""

    time_us: int
    queue_depth: list[int]
    batch_size: list[int]
    used_blocks: list[int]
    pending: list[int]
    rejected: int  # so far, for any reason
    at_gateway: int


def view_of(job: Job, view: View, router: Router) -> list[InstanceView]:
    """Every instance before a decision, without scores."""
    eligible = view.eligible(job)
    return [
        InstanceView(
            eligible=j in eligible,
            score=None,
            queue_depth=view.queue_depth(j),
            batch_size=view.batch_size(j),
            kv=view.kv(j),
            cache=view.cache(j, job),
            pending=view.pending(j),
            in_flight=view.in_flight(j),
            in_flight_tokens=view.in_flight_tokens(j),
            matched_blocks=router.memory.matched_blocks(j, job),
            adapter_active=job.request.adapter in view.adapters(j)[0],
            adapter_waits=job.request.adapter in view.adapters(j)[1],
            adapters=len(view.adapters(j)[0] | view.adapters(j)[1]),
        )
        for j in range(len(view))
    ]


def sample(time_us: int, engines: Sequence[Engine], view: View, jobs: Sequence[Job], at_gateway: int) -> Sample:
    """The true state, whatever the age of the signals."""
    return Sample(
        time_us=time_us,
        queue_depth=[engine.waiting for engine in engines],
        batch_size=[len(engine.batch) for engine in engines],
        used_blocks=[engine.used_blocks for engine in engines],
        pending=[view.pending(engine.index) for engine in engines],
        rejected=sum(job.status == REJECTED for job in jobs),
        at_gateway=at_gateway,
    )
