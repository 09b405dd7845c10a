from __future__ import annotations

import numpy as np

from blis.engine.build.arrays import listed
from blis.engine.live.window import StepWindow
from blis.engine.records import LOGGED
from blis.engine.world import Array


def logged(*rows: tuple[int, int, int]) -> Array:
    """Rows of instance, count, gap."""
    return listed(LOGGED, list(rows))


def steps(window: StepWindow) -> list[tuple[int, ...]]:
    return [tuple(map(int, row)) for row in window.steps]


def test_steps_are_by_instance_and_numbered():
    window = StepWindow(2)
    window.add([logged((1, 2, 50), (0, 1, 7)), logged((1, 0, 9), (1, 3, 60))])
    window.add([logged((0, 4, 8))])
    assert steps(window) == [(0, 1, 1, 7), (0, 2, 4, 8), (1, 1, 2, 50), (1, 3, 3, 60)]
    assert window.longest_us.tolist() == [8, 60]


def test_what_nobody_needs_is_forgotten_and_the_rest_numbered_anew():
    window = StepWindow(2)
    window.add([logged((0, 3, 7), (0, 3, 8), (0, 3, 9), (1, 5, 10))])
    window.forget(np.array([5, 2**62]))
    assert steps(window) == [(0, 1, 3, 8), (0, 4, 3, 9), (1, 1, 5, 10)] and window.forgotten.tolist() == [3, 0]
    window.add([logged((0, 1, 11))])
    assert steps(window)[2] == (0, 7, 1, 11)
    assert window.longest_us.tolist() == [11, 10]


def test_the_row_of_the_step_that_is_needed_stays():
    window = StepWindow(1)
    window.add([logged((0, 3, 7), (0, 4, 8), (0, 4, 9))])
    window.forget(np.array([3]))
    assert window.forgotten.tolist() == [0]
    window.forget(np.array([4]))
    assert window.forgotten.tolist() == [3]


def test_an_instance_may_do_nothing():
    window = StepWindow(3)
    window.add([logged()])
    window.forget(np.full(3, 2**62))
    assert steps(window) == [] and window.longest_us.tolist() == [0, 0, 0]
