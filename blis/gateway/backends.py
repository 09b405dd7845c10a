"""The servers behind a gateway: who is up, who is let be for a while, who gets nothing new because it is to go."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from blis.config import Breaker as BreakerRule
from blis.observe.breaker import Breaker
from blis.observe.scrape import Reading

#: Whoever looks less often was kept from it.
_LOOK_S = 1.0


@dataclass(eq=False)
class Backend:
    """One server."""

    number: int
    url: str  # without a slash at the end
    breaker: Breaker
    up: bool = False
    draining: bool = False
    seen_s: float = -math.inf  # its latest sign of life
    why: str = "not seen yet"  # it failed, as long as it has not been well since
    reading: Reading | None = None
    failed: int = 0
    on_offline: set[Callable[[], None]] = field(default_factory=set)  # called when it goes offline

    @property
    def state(self) -> str:
        """In a word."""
        if not self.up:
            return "offline"
        if self.draining:
            return "draining"
        return "up" if self.breaker.closed else "failing"


class Backends:
    """All of them; whoever routes is told when one may be used and when not."""

    def __init__(
        self,
        urls: list[str],
        offline_s: float,
        breaker: BreakerRule,
        clock: Callable[[], float],
        tell: Callable[[int, bool], None],
    ) -> None:
        """offline_s: without a sign of life for so long a server is offline. clock: seconds from any beginning.

        tell: takes a server's number and whether it may get requests.
        """
        self._all = [
            Backend(number, url, Breaker(breaker.failures, breaker.open_us)) for number, url in enumerate(urls)
        ]
        self._offline_s, self._clock, self._tell = offline_s, clock, tell
        self._looked_s = clock()

    def __iter__(self) -> Iterator[Backend]:
        """In the order in which they were given."""
        return iter(self._all)

    def __getitem__(self, number: int) -> Backend:
        """By number."""
        return self._all[number]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)

    def seen(self, backend: Backend) -> None:
        """It has given a sign of life."""
        backend.seen_s = self._clock()
        if not backend.up:
            backend.up = True
            backend.breaker.reached()
        if not backend.breaker.failures:
            backend.why = ""
        self.settle(backend)

    def answered(self, backend: Backend) -> None:
        """It has answered a request as it should."""
        backend.breaker.reached()
        self.seen(backend)

    def failed(self, backend: Backend, why: str) -> None:
        """It has not."""
        backend.failed += 1
        backend.why = why
        backend.breaker.missed(self._now_us)
        self.settle(backend)

    def sent_to(self, backend: Backend) -> None:
        """A request goes there: while it is failing, one after each pause."""
        if not backend.breaker.closed:
            backend.breaker.lets_through(self._now_us)
            self.settle(backend)

    def look(self) -> None:
        """Say who has been silent for too long, and whose pause is over; while nobody listened nobody was silent."""
        now_s = self._clock()
        deaf_s = max(now_s - self._looked_s - _LOOK_S, 0.0)
        self._looked_s = now_s
        for backend in self._all:
            backend.seen_s += deaf_s
            if backend.up and now_s - backend.seen_s >= self._offline_s:
                self._hang_up(backend, backend.why or f"no sign of life for {self._offline_s:g} s")
            self.settle(backend)

    def abandon(self, why: str) -> None:
        """Hang up on all of them; nobody is asked again."""
        for backend in self._all:
            self._hang_up(backend, why)
            self.settle(backend)

    def _hang_up(self, backend: Backend, why: str) -> None:
        backend.up, backend.why = False, why
        for hang_up in list(backend.on_offline):
            hang_up()

    def drain(self, backend: Backend, draining: bool) -> None:
        """Whether it gets nothing new from now on."""
        backend.draining = draining
        self.settle(backend)

    def settle(self, backend: Backend) -> None:
        """Tell whoever routes how it stands."""
        usable = backend.up and not backend.draining and not backend.breaker.is_open(self._now_us)
        self._tell(backend.number, usable)

    @property
    def _now_us(self) -> int:
        return int(self._clock() * 1e6)
