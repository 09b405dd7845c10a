"""The autoscaler as numbers and arrays: who is there at the start, and when it looks for the first time."""

from __future__ import annotations

import numpy as np

from blis.config import Scenario
from blis.engine.build.arrays import blank, listed, room
from blis.engine.gateway.records import MEMBER, NOT_THERE, SCALING
from blis.engine.records import NEVER_US
from blis.engine.world import Array, World
from blis.errors import InputError
from blis.tables.records import FLEET_LOOK, FLEET_TURN, GONE, READY
from blis.tables.requests import RequestTable


def encode_fleet(scenario: Scenario) -> dict[str, Array]:
    """The arrays of World; without rows where nobody comes or goes."""
    cluster = scenario.cluster
    if not cluster.autoscaling.any:
        return _NOBODY
    scaling = cluster.autoscaling
    values = {
        **vars(scaling),
        "load_us": cluster.startup.load_us,
        "memory_us": max(scaling.up_window_us, scaling.up_period_us, scaling.down_window_us, scaling.down_period_us),
    }
    return {
        "scaling": listed(SCALING, [tuple(values[name] for name in SCALING.names or ())]),
        "fleet": blank(MEMBER, cluster.places),
        "fleet_turns": room(FLEET_TURN, 16 * cluster.places + 64),
        "fleet_looks": room(FLEET_LOOK, 64),
    }


def begin_fleet(scenario: Scenario, table: RequestTable, arrays: World) -> None:
    """Set who serves at the start, and when the autoscaler looks first: at a multiple of its period.

    Raises InputError where it would look more often than can be waited for.
    """
    cluster, start_us = arrays.cluster, table.first_arrival_us
    cluster.next_fleet_us = NEVER_US
    if not len(arrays.fleet):
        return
    sync_us, serving = scenario.cluster.autoscaling.sync_us, scenario.cluster.at_start
    last_us = int(table.soonest_us.max(initial=0)) + scenario.cluster.startup.load_us
    if min(scenario.horizon_us or NEVER_US, last_us) - start_us > _MOST * sync_us:
        raise InputError(f"cluster.autoscaling.sync_us: {sync_us} µs gives more than {_MOST:,} looks")
    cluster.next_fleet_us = cluster.next_sync_us = (start_us // sync_us + 1) * sync_us
    cluster.synced_us = start_us
    there = np.arange(len(arrays.fleet)) < serving
    arrays.fleet.state = np.where(there, READY, GONE)
    arrays.fleet.turn_us = NEVER_US
    arrays.fleet.started_us = start_us
    arrays.instances.down = arrays.instances.offline = np.where(there, 0, NOT_THERE)
    arrays.fleet_turns[:serving] = listed(FLEET_TURN, [(start_us, i, READY) for i in range(serving)])
    arrays.fleet_looks[:1] = listed(FLEET_LOOK, [(start_us, serving, serving, 0)])
    cluster.fleet_turns, cluster.fleet_looks = serving, 1


_NOBODY = {
    "scaling": blank(SCALING, 0),
    "fleet": blank(MEMBER, 0),
    "fleet_turns": blank(FLEET_TURN, 0),
    "fleet_looks": blank(FLEET_LOOK, 0),
}

#: Looks of a run at most, about: half a minute of computing.
_MOST = 100_000_000
