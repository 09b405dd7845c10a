"""The clients' side of failures: how long they wait, and what they do then (docs/clients.md)."""

from __future__ import annotations

from dataclasses import dataclass

from blis.config.limits import MAX_TIME_US
from blis.errors import check_integer, check_number

#: Timeouts and pauses at most: a day and an hour.
_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000


@dataclass(frozen=True)
class Clients:
    """Whoever sends requests. One that has waited for too long gives up and may ask again, as may one that was refused.

    The budget is that of all clients: each request that is asked for the first time adds `budget` to what is saved, and
    whoever asks again takes one from it.
    """

    first_token_timeout_us: int = 0  # from asking to the first token; 0 = they wait for ever
    timeout_us: int = 0  # … and to the whole answer
    attempts: int = 1  # asks so often in all
    backoff_us: int = 500_000  # before the second attempt; twice as long before each that follows
    jitter: float = 0.0  # share of a pause that is drawn: it is shorter by up to so much
    budget: float | None = None  # attempts after the first that each request pays for; None: no budget
    saved: float = 100.0  # attempts saved up at the start; at most ten times as many ever are
    cancel: bool = True  # the servers notice that a client has given up

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_integer("clients.first_token_timeout_us", self.first_token_timeout_us, 0, _DAY_US)
        check_integer("clients.timeout_us", self.timeout_us, 0, _DAY_US)
        check_integer("clients.attempts", self.attempts, 1, 10)
        check_integer("clients.backoff_us", self.backoff_us, 1, _HOUR_US)
        check_number("clients.jitter", self.jitter, 0, 1)
        if self.budget is not None:
            check_number("clients.budget", self.budget, 0, 100)
        check_number("clients.saved", self.saved, 0, 1e9)

    @property
    def patient(self) -> bool:
        """Whether nobody ever gives up."""
        return not (self.first_token_timeout_us or self.timeout_us)

    @property
    def any(self) -> bool:
        """Whether clients do anything but wait."""
        return not self.patient or self.attempts > 1

    @property
    def longest_us(self) -> int:
        """From the first attempt to the last at most, if each is answered at once or given up."""
        waits_us = self.first_token_timeout_us + self.timeout_us + RETRY_AFTER_US
        return min(self.attempts * waits_us + (self.backoff_us << self.attempts), MAX_TIME_US)


#: Whoever is told to come back in so long at most does so; what is longer is not listened to (openai-python 1.x).
RETRY_AFTER_US = 60_000_000
