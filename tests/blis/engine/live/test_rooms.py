from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from blis.config import Autoscaling, Failures, Hedging, Lora, Outage
from blis.engine.live.rooms import Coming, Rooms
from blis.errors import InputError
from tests.blis.engine.live.small import LIMITS, scenario
from tests.places import ROOT


def coming(arrival_us: int, slo_class: int = 0) -> Coming:
    return Coming(arrival_us, 8, 4, slo_class, 0.5)


@pytest.mark.parametrize("preemption", ["tail", "priority"])
def test_a_row_says_what_its_class_is_and_rows_are_used_again(preemption):
    rooms = Rooms(scenario(scheduler="priority-fcfs", preemption=preemption), ("critical", "batch"), LIMITS)
    urgent, other = rooms.take(coming(5)), rooms.take(coming(6, 1))
    columns = rooms.state.arrays.columns
    assert columns.class_priority[urgent] > columns.class_priority[other]
    if preemption == "priority":
        assert rooms.state.arrays.order.victim[urgent] > rooms.state.arrays.order.victim[other]
    assert rooms.state.arrays.ask.start_us == 5
    rooms.give_back(urgent)
    assert rooms.take(coming(7)) == urgent


def test_it_is_full_when_no_row_is_left():
    rooms = Rooms(scenario(), ("",), LIMITS)
    while not rooms.full:
        rooms.take(coming(rooms.arrivals))
    assert rooms.arrivals == LIMITS.requests - 1


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            {"failures": Failures((Outage((0,), 5, 5),))},
            r"cluster\.failures: instances fail in runs and searches of whole tables alone",
        ),
        ({"hedging": Hedging(5)}, r"cluster\.hedging: copies are sent in runs and searches of whole tables alone"),
        ({"autoscaling": Autoscaling(maximum=1)}, r"cluster\.autoscaling: instances come and go in runs and searches"),
    ],
)
def test_nobody_fails_or_comes_in_what_is_served(part, words):
    served = replace(scenario(), cluster=replace(scenario().cluster, **part))
    with pytest.raises(InputError, match=words):
        Rooms(served, ("",), LIMITS)


def test_adapters_are_not_served():
    served = replace(scenario(), instance=replace(scenario().instance, lora=Lora(1)))
    with pytest.raises(InputError, match="lora: adapters are served in runs and searches of whole tables alone"):
        Rooms(served, ("",), LIMITS)


_COMPILES = """
import numba
from blis.engine.live.kernels import give_up, live_until
from blis.engine.live.rooms import Rooms
from tests.blis.engine.live.small import LIMITS, scenario

rooms = Rooms(scenario(), ("",), LIMITS)
numba.njit = None
live_until(rooms.state, 5)
give_up(rooms.state.arrays, 0)
"""


def test_whoever_is_served_waits_for_no_kernel():
    """In a process that has none yet."""
    assert subprocess.run([sys.executable, "-c", _COMPILES], cwd=ROOT, check=False).returncode == 0
