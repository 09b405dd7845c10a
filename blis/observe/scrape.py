"""What servers say of themselves while they are under load: their `/metrics`, read every second."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from blis.observe.endpoint import UnreadError

EVERY_S = 1.0

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)", re.MULTILINE)
_RUNNING, _WAITING = "vllm:num_requests_running", "vllm:num_requests_waiting"
_KV = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")  # a share, whatever the name says; older ones last

_MOST = 1e9  # requests of an engine


class Reading(NamedTuple):
    """One look, all engines together."""

    running: float
    waiting: float
    kv_share: float  # mean of its engines
    engines: int


class ReadingError(ValueError):
    """A page without one of the gauges."""


def reading(page: str) -> Reading:
    """What a page in Prometheus' text format says. Raises ReadingError naming the gauge that is missing."""
    values: dict[str, list[float]] = {}
    for name, value in _SAMPLE.findall(page):
        if name in (_RUNNING, _WAITING, *_KV):
            values.setdefault(name, []).append(_number(value))
    kv = next((name for name in _KV if name in values), _KV[0])
    for name in (_RUNNING, _WAITING, kv):
        if not values.get(name) or not all(0 <= value <= _MOST for value in values[name]):
            raise ReadingError(f"it has no {name}, or one that cannot be")
    engines = len(values[kv])
    return Reading(sum(values[_RUNNING]), sum(values[_WAITING]), sum(values[kv]) / engines, engines)


def _number(text: str) -> float:
    """A value of a gauge; NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


class Scraper:
    """Readings and when they were made, and how many looks failed, the first one why."""

    def __init__(self, page: Callable[[], Coroutine[Any, Any, str]], now_us: Callable[[], int]) -> None:
        """page: looks once, and raises UnreadError if there is nothing to see."""
        self.readings: list[tuple[int, Reading]] = []
        self.failed, self.why = 0, ""
        self._page, self._now_us = page, now_us

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look, until somebody cancels it."""
        while True:
            now_us = self._now_us()
            try:
                self.readings.append((now_us, reading(await self._page())))
            except (UnreadError, ReadingError) as error:
                self.failed += 1
                self.why = self.why or str(error)
            await asyncio.sleep(max(every_s - (self._now_us() - now_us) / 1e6, 0))


def timeseries(readings: Iterable[tuple[int, Reading]], start_us: int) -> str:
    """Readings as CSV, as `X.timeseries.csv` beside a log X: seconds since start_us."""
    lines = ["t,running,waiting,kv_cache_pct,engines"]
    for time_us, found in readings:
        t = (time_us - start_us) / 1e6
        lines.append(f"{t:.6f},{found.running:g},{found.waiting:g},{found.kv_share * 100:.6g},{found.engines}")
    return "\n".join(lines) + "\n"
