"""Circuit breakers, from everything that has happened to each instance (docs/failures.md)."""

from __future__ import annotations

from collections.abc import Sequence

from blis.config import Breaker
from tests.oracle.engine import Engine


class Breakers:
    """Which instances get nothing, because they have failed too often in a row."""

    def __init__(self, breaker: Breaker, engines: Sequence[Engine]) -> None:
        """Nobody has failed."""
        self._breaker, self._engines = breaker, engines
        self._failed_us: list[list[int]] = [[] for _ in engines]
        self._paused_us = [-1] * len(engines)  # when the latest pause began

    def failed(self, j: int, now: int) -> None:
        """A request was on an instance, or on the way to it, when it failed, or came there when it was down."""
        self._failed_us[j].append(now)
        self._paused_us[j] = now

    def tried(self, j: int, now: int) -> None:
        """A request is sent to an instance."""
        if self._failing(j, now):
            self._paused_us[j] = now

    def found_again(self, j: int) -> None:
        """The router hears of an instance that it thought gone, or of a new one."""
        self._failed_us[j].clear()

    def open(self, j: int, now: int) -> bool:
        """Whether an instance gets nothing."""
        return self._failing(j, now) and now < self._paused_us[j] + self._breaker.open_us

    def _failing(self, j: int, now: int) -> bool:
        answered = max((time for time in self._engines[j].answers_us if time < now), default=-1)
        since = [time for time in self._failed_us[j] if time > answered]
        return 0 < self._breaker.failures <= len(since)
