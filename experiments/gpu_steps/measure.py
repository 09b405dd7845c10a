"""Time the steps of a plan until the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blis.errors import EngineError, one_line
from blis.stdout import note
from experiments.gpu_steps.plan import Point


class Timed(NamedTuple):
    """A step and its µs."""

    point: Point
    us: float


def measure(
    points: Sequence[Point],
    step_us: Callable[[Point], float],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Timed]:
    """The steps that could be timed before the time was over, in their order.

    A step that fails is left out, which is told: PyTorch raises RuntimeError where memory does not suffice. Raises
    EngineError if none is left.
    """
    found: list[Timed] = []
    begin = clock()
    for point in points:
        if clock() - begin >= seconds:
            break
        try:
            found.append(Timed(point, step_us(point)))
        except RuntimeError as error:
            note(f"left out {point}: {one_line(error)}")
    if not found:
        raise EngineError("no step could be timed")
    return found
