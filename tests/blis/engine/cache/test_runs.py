"""Slots for runs of blocks: what is given back is used again, and knows nothing of its past."""

from __future__ import annotations

from blis.config import Compat
from blis.engine import boundary
from blis.engine.build.state import encode
from blis.engine.cache import runs
from blis.engine.records import NONE
from blis.engine.run import resume
from tests.blis.engine.plain_times import deployment, requests
from tests.kernels import callable_kernel

new_run, recycle = callable_kernel(runs.new_run), callable_kernel(runs.recycle)
reset = callable_kernel(boundary.reset)


def test_a_slot_given_back_is_the_next_one():
    w = encode(deployment(), requests([0]), Compat()).arrays
    reset(w)
    first, second, third = (new_run(w, 5, 0, 4) for _ in range(3))
    assert len({first, second, third}) == 3
    for field in ("up", "down", "prev", "next"):
        w.runs[second][field] = third
    recycle(w, second)
    recycle(w, first)
    again = [new_run(w, 7, 2, 3) for _ in range(2)]
    assert again == [first, second]
    run = w.runs[second]
    assert [run.owner, run.lo, run.hi, run.up, run.down] == [7, 2, 3, NONE, NONE]
    assert new_run(w, 7, 2, 3) not in (first, second, third)


def test_long_runs_need_no_more_slots_than_short_ones():
    sizes = []
    for n in (50, 1000):
        table = requests([100 * row for row in range(n)], 2, [[*range(8), row + 100] for row in range(n)])
        state = encode(deployment(blocks=8), table, Compat())
        while resume(state):
            pass
        sizes.append(int(state.arrays.cluster.run_slots.used))
    assert sizes[0] == sizes[1]
