from __future__ import annotations

from blis.engine.live.kernels import live_until
from blis.engine.live.rooms import Coming, Rooms
from blis.engine.records import NEVER_US
from tests.blis.engine.live.small import LIMITS, scenario


def test_it_says_when_something_happens_next():
    rooms = Rooms(scenario(), ("",), LIMITS)
    assert live_until(rooms.state, 1_000) == NEVER_US
    rooms.take(Coming(2_000, 8, 2, 0, 0.5))
    assert live_until(rooms.state, 1_500) == 2_000
    assert live_until(rooms.state, 2_001) == 2_000 + 10_080
    assert live_until(rooms.state, 10**9) == NEVER_US
