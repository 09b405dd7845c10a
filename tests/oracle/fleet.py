"""Instances that come and go, one look of the autoscaler after the other (docs/autoscaling.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import takewhile

from tests.oracle.engine import Engine
from tests.oracle.flow_control import Gateway
from tests.oracle.setup import Setup
from tests.oracle.view import View

INFINITY = float("inf")
STATES = ("loading", "ready", "draining", "gone")


class Fleet:
    """What the autoscaler sees and does. `turns`: (time, instance, state); `looks`: (time, current, advice, change)."""

    def __init__(self, setup: Setup, engines: Sequence[Engine], view: View, gateway: Gateway, start_us: int) -> None:
        """The first of all places serve."""
        self._rules, self._load_us = setup.autoscaling, setup.startup.load_us
        self._engines, self._view, self._gateway = engines, view, gateway
        self._allows_waiting = setup.flow_control.enabled and setup.autoscaling.any
        count = len(engines)
        self.states = ["ready" if j < setup.served_at_start else "gone" for j in range(count)]
        self._started_us, self._due_us = [start_us] * count, [INFINITY] * count
        self.turns = [(start_us, j, "ready") for j in range(setup.served_at_start)]
        self.looks = [(start_us, setup.served_at_start, setup.served_at_start, 0)]
        self._looked_us, self._next_us = start_us, INFINITY
        if self._rules.any:
            self._next_us = (start_us // self._rules.sync_us + 1) * self._rules.sync_us
        self.arrivals = 0  # since the latest look
        self.settle: Callable[[int, int], None] = lambda j, now: None  # instance j may have begun or ceased to serve
        self.forget: Callable[[int], None] = lambda j: None  # the router forgets what it cached
        self.retrying: Callable[[], int] = lambda: 0

    def next_us(self) -> float:
        """The next instant at which anything of this happens."""
        return min(self._next_us, *self._due_us)

    def serves(self, j: int) -> bool:
        """Whether an instance that is not out of order serves."""
        return self.states[j] in ("ready", "draining")

    def gone_us(self, j: int) -> float:
        """When one that drains is gone at the latest."""
        return self._due_us[j] if self.states[j] == "draining" else INFINITY

    def lets_wait(self, allowed: bool) -> bool:
        """Whether a request that nobody may run now waits at the gateway; allowed: an instance may run it at all."""
        return self._allows_waiting and allowed

    def happen(self, now: int) -> None:
        """Whoever is ready or gone is; then the autoscaler looks, if it is time; what that starts may be ready."""
        self._be_due(now)
        if now == self._next_us:
            self._look(now)
            self._next_us += self._rules.sync_us
            self._be_due(now)

    def activate(self, now: int) -> None:
        """Somebody has begun to wait."""
        if self._rules.any and not self._current():
            self._start(now)
            self._be_due(now)

    def _be_due(self, now: int) -> None:
        for j, due_us in enumerate(self._due_us):
            if due_us == now:
                self._turn(j, "ready" if self.states[j] == "loading" else "gone", now)

    def _turn(self, j: int, state: str, now: int, due_us: float = INFINITY) -> None:
        self.turns.append((now, j, state))
        self.states[j], self._due_us[j] = state, due_us
        self._view.there[j] = state == "ready"
        if state == "ready":
            self._view.breakers.found_again(j)
        self.settle(j, now)

    def _current(self) -> list[int]:
        return [j for j, state in enumerate(self.states) if state in ("loading", "ready")]

    # -- what is done

    def _start(self, now: int) -> bool:
        if "gone" not in self.states:
            return False
        j = self.states.index("gone")
        self._started_us[j] = now
        self._turn(j, "loading", now, now + self._load_us)
        return True

    def _remove(self, now: int) -> None:
        j = min(self._current(), key=self._keeps)
        engine = self._engines[j]
        self.forget(j)
        gone_us = now
        if not engine.idle(now):
            gone_us = max(now + self._rules.drain_us, engine.free_us(now))
        if gone_us == now:
            self._turn(j, "gone", now)
        else:
            self._turn(j, "draining", now, gone_us)

    def _keeps(self, j: int) -> tuple[float, ...]:
        """Whoever has the least goes first: not ready before ready."""
        if self._engines[j].down:
            return 0, -self._started_us[j], -j
        return 1, self._view.in_flight(j), -j

    def _look(self, now: int) -> None:
        for j, state in enumerate(self.states):
            if state == "draining" and self._engines[j].idle(now):
                self._turn(j, "gone", now)
        current = len(self._current())
        advice = self._advice(current, now)
        self.looks.append((now, current, advice, 0))
        change = 0
        if current == 0:
            if advice > 0:
                self._start(now)
        else:
            wanted = self._limited(current, self._stable(current, now), now)
            while change < wanted - current and self._start(now):
                change += 1
            while change > wanted - current:
                self._remove(now)
                change -= 1
        self.looks[-1] = (now, current, advice, change)
        self._looked_us, self.arrivals = now, 0

    # -- what is advised

    def _advice(self, current: int, now: int) -> int:
        rules, elapsed = self._rules, now - self._looked_us
        ready = [j for j, state in enumerate(self.states) if state == "ready" and not self._engines[j].down]
        waiting = float(len(self._gateway)) + sum(len(self._engines[j].queue) + self._view.pending(j) for j in ready)
        running = sum(len(self._engines[j].batch) for j in ready)
        blocks, busy = 0.0, 0.0
        for j in ready:
            blocks += self._engines[j].kv.used / self._engines[j].kv.total
            busy += self._engines[j].busy_between(self._looked_us, now) / elapsed
        found = {
            "queue_depth": waiting,
            "kv_utilization": blocks,
            "busy_utilization": busy,
            "concurrency": waiting + running,
            "requests_per_s": self.arrivals * 1e6 / elapsed,
        }
        advice = 0
        for name, total in found.items():
            target = getattr(rules, name)
            if target == 0 or current == 0:
                continue
            near = abs(total / (target * current) - 1.0) <= rules.tolerance
            advice = max(advice, current if near else math.ceil(total / target))
        least = max(rules.minimum, int(waiting + running + self.retrying() > 0))
        return min(max(advice, least), rules.maximum)

    def _since(self, after: int) -> list[tuple[int, int, int, int]]:
        """The looks later than that."""
        return list(takewhile(lambda look: look[0] > after, reversed(self.looks)))

    def _stable(self, current: int, now: int) -> int:
        up = [look[2] for look in self._since(now - self._rules.up_window_us)] or [self.looks[-1][2]]
        down = [look[2] for look in self._since(now - self._rules.down_window_us)] or [self.looks[-1][2]]
        if current < min(up):
            current = min(up)
        return min(current, max(down))

    def _limited(self, current: int, wanted: int, now: int) -> int:
        rules = self._rules
        if wanted > current:
            before = current - sum(look[3] for look in self._since(now - rules.up_period_us))
            more = max(rules.up_instances, math.ceil(before * rules.up_percent / 100.0))
            return min(wanted, max(before + more, current))
        before = current - sum(look[3] for look in self._since(now - rules.down_period_us))
        fewer = max(rules.down_instances, math.floor(before * rules.down_percent / 100.0))
        return max(wanted, min(before - fewer, current))
