"""The `servegen_data` block of a specification: clients whose rates, bursts and lengths change as ServeGen saw them.

Source: workload-and-calibration.md section 13.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

from blis.errors import check_integer
from blis.files import read_text, unpacked_name
from blis.workload.draw.arrivals import MAX_CV, MIN_CV, Arrival
from blis.workload.draw.lengths import Distribution
from blis.workload.draw.rates import RateOverTime, Stage
from blis.workload.draw.senders import Client
from blis.workload.read.servegen import Segment, ServeGen, client_files, read_servegen

MAX_SECONDS = 10**9


@dataclass(frozen=True)
class ServeGenData:
    """A directory of ServeGen's, and which part of its time: whole seconds; span_end left out = to the end.

    Every client of the data is one of ours in each of its windows, with a rate and lengths of its own.
    """

    path: str
    span_start: int = 0
    span_end: int | None = None

    def __post_init__(self) -> None:
        """Check the span."""
        check_integer("span_start", self.span_start, 0, MAX_SECONDS)
        if self.span_end is not None:
            check_integer("span_end", self.span_end, self.span_start + 1, MAX_SECONDS)

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        """A client a segment; the first of them starts at time 0."""
        first, span_s = self._first_s, self._span_s
        lengths: dict[int, Distribution] = {}
        return tuple(_client(segment, first, span_s, lengths) for segment in self._segments)

    @cached_property
    def mean_rate(self) -> float:
        """Requests a second over the whole span."""
        return math.fsum(one.rate * (one.end_s - one.start_s) for one in self._segments) / self._span_s

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the directory holds."""
        digest = hashlib.sha256()
        for client in client_files(self.path):
            for file in (client.trace, client.dataset):
                digest.update(unpacked_name(file).name.encode() + b"\0" + read_text(file).encode() + b"\0")
        return digest.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the data was left out or replaced, a line each."""
        skipped = self._data.skipped_rows
        replaced = sum(one.process != "" and _arrival(one).process != one.process for one in self._segments)
        return (
            *([f"{self.path}: lines of traces that are no rows, left out: {skipped}"] if skipped else ()),
            *(
                [f"{self.path}: windows of a process or a cv that cannot be drawn, poisson instead: {replaced}"]
                if replaced
                else ()
            ),
        )

    @cached_property
    def _data(self) -> ServeGen:
        return read_servegen(self.path, self.span_start, math.inf if self.span_end is None else self.span_end)

    @property
    def _segments(self) -> tuple[Segment, ...]:
        return self._data.segments

    @property
    def _first_s(self) -> float:
        return float(self.span_start) or min(one.start_s for one in self._segments)

    @property
    def _span_s(self) -> float:
        return max(one.end_s for one in self._segments) - self._first_s


def _client(segment: Segment, first_s: float, span_s: float, lengths: dict[int, Distribution]) -> Client:
    """A client that is there during its segment only; its weight is its share of the requests of the whole span."""
    duration_s, before_s = segment.end_s - segment.start_s, segment.start_s - first_s
    stages = [Stage(before_s, 0.0)] if before_s > 0 else []
    for bins in (segment.input_bins, segment.output_bins):
        lengths.setdefault(id(bins), Distribution("empirical", bins))
    return Client(
        id=f"servegen-chunk-{segment.chunk}@{segment.start_s:g}",
        tenant_id=f"chunk-{segment.chunk}",
        rate_fraction=segment.rate * duration_s,
        arrival=_arrival(segment),
        input_distribution=lengths[id(segment.input_bins)],
        output_distribution=lengths[id(segment.output_bins)],
        rate_over_time=RateOverTime(stages=(*stages, Stage(duration_s, span_s / duration_s))),
    )


def _arrival(segment: Segment) -> Arrival:
    """Its process; poisson where the data say nothing that a process can do."""
    known = segment.process in ("gamma", "weibull") and MIN_CV <= segment.cv <= MAX_CV
    return Arrival(segment.process, segment.cv) if known else Arrival("poisson")
