"""The lives of instances, one heartbeat at a time (docs/failures.md)."""

from __future__ import annotations

from blis.config import Failures

INFINITY = float("inf")


class Lives:
    """Who is down, and whom the router believes to be offline."""

    def __init__(self, failures: Failures, load_us: int, instances: int) -> None:
        """All serve; nobody has been heard yet, and nobody is missed."""
        self._failures = failures
        self._outages: list[list[tuple[int, int]]] = [[] for _ in range(instances)]
        self._drains: list[list[tuple[int, int]]] = [[] for _ in range(instances)]
        for planned in failures.scheduled:
            for j in planned.instances:
                begin = planned.at_us + (planned.drain_us or 0)
                self._outages[j].append((begin, begin + planned.down_us + load_us))
                if planned.drain_us is not None:
                    self._drains[j].append((planned.at_us, max(begin, planned.at_us + 1)))
        self.down, self.offline = [False] * instances, [False] * instances
        self.found_again: list[int] = []  # who was heard again at the latest instant
        self._heard_us = [-failures.heartbeat_us] * instances
        self._now = -1

    def fails_us(self, j: int, now: int, horizon: float) -> float:
        """When an instance that serves now fails next, if that is before the run ends."""
        begins = [begin for begin, _ in self._outages[j] if begin > now]
        first = min(begins, default=INFINITY)
        return first if first <= horizon else INFINITY

    def next_us(self) -> float:
        """The next instant at which anything of this happens."""
        if not self._failures.scheduled:
            return INFINITY
        times = [time for planned in (*self._outages, *self._drains) for span in planned for time in span]
        every = self._failures.heartbeat_us
        if every:
            times.append((self._now // every + 1) * every)
        times += [heard + self._failures.offline_after_us for heard in self._heard_us]
        return min((time for time in times if time > self._now), default=INFINITY)

    def happen(self, now: int) -> tuple[list[int], list[int], list[int]]:
        """What happens at that instant: who fails, who serves again, and who is found to be offline."""
        self._now = now
        count, every = len(self.down), self._failures.heartbeat_us
        down = [any(begin <= now < end for begin, end in planned) for planned in self._outages]
        fail = [j for j in range(count) if down[j] and not self.down[j]]
        serve = [j for j in range(count) if self.down[j] and not down[j]]
        self.down = down
        missed = []
        self.found_again = []
        for j in range(count):
            beats = every == 0 or now % every == 0
            if (beats and not down[j]) or (every == 0 and j in fail):  # until then it was heard all the time
                self._heard_us[j] = now
            silent = now - self._heard_us[j] >= self._failures.offline_after_us
            draining = any(begin <= now < end for begin, end in self._drains[j])
            offline = draining or (silent and (down[j] or every > 0))
            if offline and not self.offline[j]:
                missed.append(j)
            was, self.offline[j] = self.offline[j], offline or (self.offline[j] and not (beats and not down[j]))
            if was and not self.offline[j]:
                self.found_again.append(j)
        return fail, serve, missed
