"""What a client saw of one request, on a clock of whole µs since 1970 that never jumps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

OK, ERROR, TIMEOUT = "ok", "error", "timeout"


class Clock:
    """Reads µs since 1970: the clock on the wall once, and from then on one that nobody sets."""

    def __init__(self) -> None:
        """Read the clock on the wall."""
        self._start_us = time.time_ns() // 1000 - time.perf_counter_ns() // 1000

    def now_us(self) -> int:
        """Now."""
        return self._start_us + time.perf_counter_ns() // 1000


@dataclass(frozen=True)
class Seen:
    """One request: times are µs of a `Clock`; of a request that was tried several times, those of the last try."""

    due_us: int = 0  # when the workload, or the answer before, wanted it to be sent
    ready_us: int = -1  # when this program had got round to it, before it waited for others, -1 = never
    sent_us: int = -1  # when it was sent, -1 = never
    chunk_us: Sequence[int] = ()  # when pieces of text came; of an answer in one piece, when it was there
    input_tokens: int | None = None  # as the server counts, None = it did not say
    output_tokens: int = 0
    cached_tokens: int | None = None  # of the prompt, None = the server did not say
    status: str = ERROR
    error: str = ""
    tries: int = 0
    endpoint: int = 0  # which of the servers, by the order in which they were named

    @property
    def ok(self) -> bool:
        """Whether all of an answer came."""
        return self.status == OK

    @property
    def ended_us(self) -> int:
        """When the last text came; without any, when it was sent or should have been."""
        return self.chunk_us[-1] if self.chunk_us else max(self.sent_us, self.due_us)
