"""Steps are timed in order until the time is over; one that fails is left out."""

from itertools import count

import pytest

from blis.errors import EngineError
from experiments.gpu_steps.measure import measure
from experiments.gpu_steps.plan import Point

POINTS = [Point(decodes=n) for n in range(1, 6)]


def test_it_ends_when_the_time_is_over():
    ticks = count(0, 10)
    timed = measure(POINTS, lambda point: 100.0 * point.decodes, seconds=30, clock=lambda: float(next(ticks)))
    assert [(each.point.decodes, each.us) for each in timed] == [(1, 100.0), (2, 200.0)]


def test_it_ends_with_the_plan():
    assert len(measure(POINTS, lambda point: 1.0, seconds=1e9)) == len(POINTS)


def test_what_fails_is_left_out_and_told(capsys):
    def step_us(point: Point) -> float:
        if point.decodes == 2:
            raise RuntimeError("CUDA out of memory.\nTried to allocate")
        return 1.0

    assert [each.point.decodes for each in measure(POINTS, step_us, seconds=1e9)] == [1, 3, 4, 5]
    (line,) = capsys.readouterr().err.splitlines()
    assert "decodes=2" in line and "CUDA out of memory" in line


def test_nothing_at_all_is_an_error():
    with pytest.raises(EngineError, match="no step could be timed"):
        measure([], lambda point: 1.0, seconds=1)
