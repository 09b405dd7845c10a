"""A circuit breaker: an endpoint that nobody reaches is left alone for a while instead of being knocked at."""

from __future__ import annotations

FAILURES = 5  # in a row, without a word from the endpoint, unless somebody says otherwise
OPEN_US = 1_000_000  # then one request may try again


class Breaker:
    """Whether an endpoint may be asked. Any answer from it, even one of an error, shows that it is there."""

    def __init__(self, most: int = FAILURES, open_us: int = OPEN_US) -> None:
        """Closed: all may ask. most: failures in a row that open it, 0 = it never opens; open_us: for how long."""
        self.failures = 0
        self._most, self._open_us = most, open_us
        self._until_us = 0

    @property
    def closed(self) -> bool:
        """Whether all may ask."""
        return self._most == 0 or self.failures < self._most

    def is_open(self, now_us: int) -> bool:
        """Whether nobody may ask now."""
        return not self.closed and now_us < self._until_us

    def lets_through(self, now_us: int) -> bool:
        """Whether a request may be sent; after a pause the first one may, and the next pause begins."""
        if self.is_open(now_us):
            return False
        self._until_us = now_us + self._open_us
        return True

    def reached(self) -> None:
        """The endpoint said something."""
        self.failures = 0

    def missed(self, now_us: int) -> None:
        """It could not be reached, or hung up without a word."""
        self.failures += 1
        self._until_us = now_us + self._open_us
