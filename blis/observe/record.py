"""What was seen, as files: a trace v2 that all commands read, and when each piece of an answer came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from blis.files import write_text
from blis.observe.seen import Seen
from blis.tables.requests import RequestTable
from blis.workload.write.trace_v2 import Watched, save_watched


@dataclass(frozen=True)
class Observed:
    """A workload, and [n] what was seen of its requests."""

    table: RequestTable
    seen: Sequence[Seen]
    streamed: bool
    warmed_up: int  # requests before these, which are counted and nothing else
    model: str
    source: str  # of the workload
    rtt_us: float = 0.0  # to the server and back, 0 = not known
    interrupted: bool = False

    @property
    def first_sent_us(self) -> int:
        """When the first request was sent; 0 if none was."""
        return min((one.sent_us for one in self.seen if one.sent_us >= 0), default=0)

    @property
    def header(self) -> dict[str, Any]:
        """Of a trace v2."""
        first = min((seen.due_us for seen in self.seen), default=0)
        return {
            "trace_version": 2,
            "time_unit": "microseconds",
            "created_at": datetime.fromtimestamp(first // 1_000_000, UTC).isoformat(),
            "mode": "real",
            "warm_up_requests": self.warmed_up,
            "workload_spec": self.source,
            "server": {"type": "openai", "model": self.model},
            **({"network": {"measured_rtt_ms": self.rtt_us / 1000}} if self.rtt_us else {}),
        }

    @property
    def counts_cached(self) -> bool:
        """Whether the server said of any prompt how much of it was in its cache."""
        return any(one.cached_tokens is not None for one in self.seen)

    @property
    def watched(self) -> Watched:
        """The columns of a trace v2; who was not sent has its arrival as the time of that."""
        seen = self.seen
        counted = [one.input_tokens for one in seen]
        planned = self.table.input_tokens.tolist()
        return Watched(
            arrival_us=_column(one.due_us for one in seen),
            sent_us=_column(one.due_us if one.sent_us < 0 else one.sent_us for one in seen),
            first_us=_column(one.chunk_us[0] if one.chunk_us else 0 for one in seen),
            last_us=_column(one.chunk_us[-1] if one.chunk_us else 0 for one in seen),
            chunks=_column(len(one.chunk_us) for one in seen),
            input_tokens=_column(count or plan for count, plan in zip(counted, planned, strict=True)),
            output_tokens=_column(one.output_tokens for one in seen),
            streamed=np.full(len(seen), self.streamed),
            status=np.array([one.status for one in seen], object),
            error=np.array([one.error for one in seen], object),
            cached_tokens=_column(one.cached_tokens or 0 for one in seen) if self.counts_cached else None,
        )


def save_observed(path: str | Path, observed: Observed) -> bool:
    """Write a trace v2, `path` its header; whether it says all that prompts share. Ids go on from the warm-up."""
    return save_watched(path, observed.table, observed.watched, observed.header, first_id=observed.warmed_up)


def save_chunks(path: str | Path, observed: Observed) -> None:
    """Write a JSON object a request that was sent: when it was, and when each piece of its answer came, in µs."""
    lines = [
        json.dumps(
            {
                "request_id": observed.warmed_up + row,
                "endpoint": one.endpoint,
                "status": one.status,
                "output_tokens": one.output_tokens,
                "send_time_us": one.sent_us,
                "chunk_times_us": list(one.chunk_us),
            }
        )
        for row, one in enumerate(observed.seen)
        if one.sent_us >= 0
    ]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _column(values: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.fromiter(values, np.int64)
