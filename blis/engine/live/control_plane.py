"""`ControlPlane`: admission, gateway queue and routing before instances that are elsewhere.

The kernels are those of a simulation, and so is what they know: what instances do is told instead of simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.build.arrays import blank
from blis.engine.columns import REASON
from blis.engine.gateway.records import PLACE
from blis.engine.live import told
from blis.engine.live.entrance import Entrance, Tokens
from blis.engine.live.fields import Fields
from blis.engine.live.kernels import live_until
from blis.engine.live.rooms import Coming, Limits, Rooms
from blis.engine.observe import Observe
from blis.engine.records import GROW_TRANSIT, NEVER_US, NONE
from blis.engine.world import World
from blis.tables.records import REJECTED

#: Blocks of those who are in flight, on top of what the router's index holds.
_IN_FLIGHT = 2**17
#: Arrivals after which they are counted from 0 again.
_MANY = 2**16


@dataclass(eq=False)
class Passage:
    """One request and where it has got to; times of the caller's clock."""

    arrival_us: int
    input_tokens: int
    row: int
    nodes: NDArray[np.int64]  # of its blocks
    instance: int = NONE  # where it is to be sent
    rejected: bool = False
    reason: int = 0  # why it was
    retry_after_us: int = NONE  # when to come back, if the policy says

    @property
    def decided(self) -> bool:
        """Whether it is known what becomes of it."""
        return self.rejected or self.instance != NONE


class ControlPlane:
    """Decides for whoever comes; the caller has the clock, sends requests on and says what becomes of them."""

    def __init__(self, scenario: Scenario, classes: tuple[str, ...] = ("",), limits: Limits | None = None) -> None:
        """classes: SLO classes that may come. Instances may be used as soon as `allow` says so."""
        self.classes, self.instances = classes, scenario.cluster.instances
        self.limits = limits or Limits(nodes=_nodes(scenario), placements=1 + self.instances)
        self._rooms = Rooms(scenario, classes, self.limits, Observe(decisions=True))
        self._entrance = Entrance(self._rooms)
        self._here: dict[int, Passage] = {}
        self._waiting: dict[int, Passage] = {}
        self._up = np.zeros(self.instances, np.bool_)
        engines = self.arrays.engines.copy()  # its own: that of a run belongs to the scenario
        engines.queueing_us, engines.queueing_us_token = float(told.AWAY_US), 0.0
        self._rooms.state.arrays = self.arrays._replace(engines=engines)
        self.next_us = NEVER_US  # the next event, as far as is known
        self._until_us = 0
        arrays = self.arrays
        self._requests, self._counts = Fields(arrays.requests), Fields(arrays.instances)
        self._homes, self._decisions = arrays.session_homes.reshape(-1), arrays.decisions.view(np.ndarray)
        self._place()

    @property
    def arrays(self) -> World:
        """The state, for those who measure."""
        return self._rooms.state.arrays

    def __len__(self) -> int:
        """Requests that are here, or sent on and not over."""
        return len(self._here)

    @property
    def waiting(self) -> int:
        """Requests in the gateway queue."""
        return len(self._waiting)

    def allow(self, instance: int, up: bool) -> None:
        """Whether requests may be sent to an instance from now on."""
        self._up[instance] = up
        self._place()

    def size(self, instance: int, blocks: int) -> None:
        """How many blocks the KV cache of an instance has."""
        self.arrays.engines.blocks[instance] = blocks

    def in_flight(self, instance: int) -> int:
        """Requests that are sent to an instance and not over."""
        routed, completed, dropped = (self._counts[name][instance] for name in ("routed", "completed", "dropped"))
        return int(routed - completed - dropped)

    def allowed(self, instance: int) -> bool:
        """Whether they may."""
        return bool(self._up[instance])

    def tell(self, instance: int, waiting: int, running: int, kv_share: float, asked_us: int) -> None:
        """How an instance stands: its queue and its batch in requests, its KV cache; asked_us: when it was asked."""
        blocks = int(self.arrays.engines.blocks[instance])
        told.tell(self.arrays, instance, waiting, running, round(min(max(kv_share, 0.0), 1.0) * blocks), asked_us)
        self._changed(asked_us)

    def submit(
        self,
        prompt: Tokens,
        output_tokens: int,
        now_us: int,
        slo_class: int = 0,
        tenant: str = "",
        session: str = "",
        uniform: float = 0.0,
        home: int = NONE,
        stick: bool = False,
    ) -> Passage | None:
        """A request comes, none before the last one; None if there is no room for it. Nothing happens before `advance`.

        output_tokens: that it will get, as far as is known. home: where its session was last, as far as the caller
        knows. stick: it may go there alone, if that is up.
        """
        now_us = max(now_us, self._until_us)  # two may come at one instant of the caller's clock
        self._until_us = now_us + 1
        coming = Coming(now_us, len(prompt), output_tokens, slo_class, uniform, 1 + home if stick else 0)
        taken = self._entrance.take(coming, prompt, tenant, session)
        if taken is None:
            return None
        row, nodes = taken
        if session and len(self._homes):
            number = self._rooms.traits["session"][row]
            self._homes[number] = home if self._homes[number] == NONE else self._homes[number]
        passage = self._here[row] = self._waiting[row] = Passage(now_us, len(prompt), row, nodes)
        self._changed(now_us)
        return passage

    def advance(self, now_us: int) -> list[Passage]:
        """Decide on all that is due up to an instant, itself among it; returns those who are sent on or rejected."""
        self._until_us = max(now_us + 1, self._until_us)
        self.next_us = live_until(self._rooms.state, self._until_us)
        rows = np.fromiter(self._waiting, np.int64, len(self._waiting))
        known = (self._requests["instance"][rows] != NONE) | (self._requests["status"][rows] == REJECTED)
        return [self._tell(self._waiting.pop(row)) for row in rows[known].tolist()]

    def send_again(self, passage: Passage, barred: NDArray[np.bool_], now_us: int) -> bool:
        """Its instance has failed: it goes to another one, if one is left. barred: [I] where it may not go."""
        if int(self.arrays.instances.pending.max()) >= self.arrays.transit.shape[1]:
            self._rooms.state.grow(GROW_TRANSIT)
        self._rooms.traits["placement"][passage.row] = 0  # whatever it stuck to
        instance = told.send_again(self.arrays, passage.row, barred, now_us)
        if instance != NONE:
            passage.instance = int(instance)
        self._changed(now_us)
        return instance != NONE

    def leave(self, passage: Passage, served: bool, now_us: int) -> None:
        """The request is over."""
        if self._here.get(passage.row) is not passage:
            return
        self._waiting.pop(passage.row, None)
        told.leave(self.arrays, passage.row, served, now_us)
        self._end(passage)
        self._changed(now_us)

    def views(self, passage: Passage) -> NDArray[np.void]:
        """[I] VIEW: what the decision about a request that is sent on was made on."""
        return self._decisions[passage.row].copy()

    def _tell(self, passage: Passage) -> Passage:
        """Write down what was decided."""
        row = passage.row
        passage.instance = int(self._requests["instance"][row])
        passage.rejected = bool(self._requests["status"][row] == REJECTED)
        if passage.rejected:
            passage.reason = int(self.arrays.counts[REASON, passage.row])
            if len(self.arrays.retry_after_us):
                passage.retry_after_us = int(self.arrays.retry_after_us[passage.row])
            self._end(passage)
        return passage

    def _end(self, passage: Passage) -> None:
        del self._here[passage.row]
        self._entrance.leave(passage.row, passage.nodes)
        if not self._waiting and self._rooms.cluster["next_admission"][0] > _MANY:
            self._rooms.begin_anew()

    def _changed(self, now_us: int) -> None:
        """Something may be due now."""
        if self._waiting:
            self.next_us = now_us

    def _place(self) -> None:
        """Who may go where: anybody to all that are up, whoever sticks to an instance there alone if that is up."""
        places = blank(PLACE, (1 + self.instances, self.instances))
        places.eligible[0] = self._up
        places.eligible[1:] = np.where(self._up[:, None], np.eye(self.instances, dtype=np.bool_), self._up)
        self._rooms.state.arrays = self.arrays._replace(places=places)


def _nodes(scenario: Scenario) -> int:
    """Blocks that somebody can know: in the router's index, and of those who are in flight."""
    return scenario.cluster.instances * scenario.cluster.routing.prefix_index_blocks + _IN_FLIGHT


def rehearse(scenario: Scenario) -> None:
    """Go through everything once with nobody there, so that it is compiled before somebody waits for it."""
    plane = ControlPlane(
        scenario, limits=Limits(requests=16, nodes=64, tokens=64, placements=1 + scenario.cluster.instances)
    )
    plane.allow(0, True)
    passage = plane.submit(np.zeros(1, np.int64), 1, 0)
    assert passage is not None
    plane.advance(0)
    if not passage.rejected:
        plane.tell(0, 0, 0, 0.0, 1)
        plane.send_again(passage, np.ones(plane.instances, np.bool_), 1)
        plane.leave(passage, True, 1)
