"""`Live`: a simulation that requests join while it goes on.

What it gives for requests that came at certain instants is what `simulate` gives for a table of them, to the µs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.columns import FIRST_TOKEN_US, REASON, SCHEDULED_US
from blis.engine.live.entrance import Entrance
from blis.engine.live.kernels import give_up, live_until
from blis.engine.live.rooms import Coming, Limits, Rooms
from blis.engine.live.timeline import Timeline
from blis.engine.records import DECODE, NEVER_US, NONE
from blis.engine.world import World
from blis.errors import InputError
from blis.tables.records import COMPLETED, DROPPED, LOST, REJECTED, STATUS_NAMES

#: Most nodes times instances: some bytes for each are kept.
_MOST_STATE = 2**26
#: Blocks of those who are in flight, on top of what caches hold.
_IN_FLIGHT = 2**17

#: [statuses] whether nothing more happens to a request.
OVER = np.isin(np.arange(len(STATUS_NAMES)), (COMPLETED, REJECTED, DROPPED, LOST))
#: What is read of a request's state.
_TOLD = ["status", "instance", "preemptions", "cached_tokens", "first_step"]


@dataclass(eq=False)
class Ticket:
    """One request: what it is, and what has become of it so far. Times of the simulated clock."""

    arrival_us: int
    input_tokens: int
    output_tokens: int
    row: int
    nodes: NDArray[np.int64]  # of its blocks
    token_us: list[int] = field(default_factory=list)  # when each token is out, overhead and all
    status: int | None = None  # COMPLETED, REJECTED or DROPPED once it is over
    reason: int = 0  # why it was rejected
    retry_after_us: int = NONE  # when to come back, if the policy says
    instance: int = NONE  # where it was sent
    cached_tokens: int = 0  # of its prompt, when it was scheduled first
    scheduled_us: int = NONE
    preemptions: int = 0
    given_up: bool = False
    first_step: int = NONE  # of its first token
    step: int = 0  # of its latest token …
    step_end_us: int = 0  # … and when that ended


class Live:
    """A cluster with the clock in the caller's hand: `submit` a request, `advance` to an instant, look at tickets."""

    def __init__(self, scenario: Scenario, classes: tuple[str, ...] = ("",), limits: Limits | None = None) -> None:
        """classes: SLO classes that may come. Raises InputError if what caches can hold is too much to keep."""
        self.classes = classes
        self.limits = limits or Limits(nodes=_nodes(scenario))
        self._rooms = Rooms(scenario, classes, self.limits)
        self._entrance = Entrance(self._rooms)
        self._timeline = Timeline(scenario.cluster.instances)
        self._overhead_us = self.arrays.engines.overhead_us.tolist()
        self._here: dict[int, Ticket] = {}
        self.now_us = 0
        self.next_us = NEVER_US  # the next event, as far as is known

    @property
    def arrays(self) -> World:
        """The state, for those who measure."""
        return self._rooms.state.arrays

    def __len__(self) -> int:
        """Requests in flight."""
        return len(self._here)

    def submit(
        self,
        prompt: NDArray[np.int64],
        answer: NDArray[np.int64],
        arrival_us: int | None = None,
        slo_class: int = 0,
        tenant: str = "",
        session: str = "",
        uniform: float = 0.0,
    ) -> Ticket | None:
        """A request comes, now or at a later instant, in the order of arrivals; None if there is no room for it.

        prompt, answer: its tokens and those that it will get, at least one each. uniform: in [0, 1), breaks ties.
        Nothing happens before `advance`.
        """
        arrival_us = self.now_us if arrival_us is None else arrival_us
        coming = Coming(arrival_us, len(prompt), len(answer), slo_class, uniform)
        taken = self._entrance.take(coming, np.concatenate([prompt, answer]), tenant, session)
        if taken is None:
            return None
        row, nodes = taken
        ticket = self._here[row] = Ticket(arrival_us, len(prompt), len(answer), row, nodes)
        self.next_us = min(self.next_us, arrival_us)
        return ticket

    def advance(self, until_us: int) -> list[Ticket]:
        """Go on to an instant, none before the last one; returns the tickets that something has happened to.

        Events at that instant are still to come. Tokens of steps that have begun are known and may lie ahead.
        """
        self.now_us = until_us
        self.next_us = live_until(self._rooms.state, until_us)
        self._timeline.read(self._rooms.state)
        changed = [self._tell(ticket, tokens) for ticket, tokens in self._news()]
        if not self._here:
            self._rooms.begin_anew()
        return changed

    def give_up(self, ticket: Ticket) -> None:
        """Nobody waits for the request any more; call between `advance`s. What cannot leave at once ends early."""
        ticket.given_up = True
        if self._here.get(ticket.row) is ticket:
            give_up(self.arrays, ticket.row)
            self.next_us = self.now_us

    def _news(self) -> list[tuple[Ticket, int]]:
        """Whoever has got a token or is over, with the number of tokens that are out now; tickets say all else."""
        rows = np.fromiter(self._here, np.int64, len(self._here))
        now = self.arrays.requests.view(np.ndarray)[rows]
        tokens = now["generated"].astype(np.int64)
        decoding = now["phase"] == DECODE
        steps = self.arrays.instances.view(np.ndarray)["steps"]
        tokens[decoding] += steps[now["instance"][decoding]] - now["base_step"][decoding]
        over = OVER[now["status"]]
        known = np.fromiter((len(ticket.token_us) for ticket in self._here.values()), np.int64, len(rows))
        news = np.flatnonzero(over | (tokens > known))
        found = []
        for row, count, state in zip(
            rows[news].tolist(), tokens[news].tolist(), now[_TOLD][news].tolist(), strict=True
        ):
            ticket = self._here[row]
            status, ticket.instance, ticket.preemptions, cached_tokens, ticket.first_step = state
            ticket.cached_tokens = max(cached_tokens, 0)
            ticket.status = status if OVER[status] else None
            found.append((ticket, count))
        return found

    def _tell(self, ticket: Ticket, tokens: int) -> Ticket:
        """Write down when its tokens came out, and the end of it."""
        if tokens > 0 and not ticket.token_us:
            ticket.scheduled_us, first_us = self.arrays.times[[SCHEDULED_US, FIRST_TOKEN_US], ticket.row].tolist()
            ticket.step, ticket.step_end_us = ticket.first_step, first_us
            ticket.token_us.append(first_us + self._overhead_us[ticket.instance])
        for number in range(len(ticket.token_us) + 1, min(tokens, ticket.output_tokens) + 1):
            ticket.step, gap_us = self._timeline.next_token(ticket.row, ticket.instance, ticket.step)
            ticket.step_end_us += gap_us
            ticket.token_us.append(ticket.step_end_us + number * self._overhead_us[ticket.instance])
        if ticket.status is not None:
            self._end(ticket)
        return ticket

    def _end(self, ticket: Ticket) -> None:
        """It is over: whatever it took is free."""
        row = ticket.row
        if ticket.status == REJECTED:
            ticket.reason = int(self.arrays.counts[REASON, row])
            if len(self.arrays.retry_after_us):
                ticket.retry_after_us = int(self.arrays.retry_after_us[row])
        self._entrance.leave(row, ticket.nodes)
        del self._here[row]


def _nodes(scenario: Scenario) -> int:
    """Blocks that somebody can know: in a cache, in the router's index, and of those who are in flight."""
    routing, instances = scenario.cluster.routing, scenario.cluster.instances
    cached = sum(replica.instance.kv.blocks + replica.instance.kv.cpu_blocks for replica in scenario.replicas)
    nodes = cached + instances * routing.prefix_index_blocks + _IN_FLIGHT
    if nodes * instances > _MOST_STATE:
        raise InputError(
            f"{instances} instances with {cached} KV blocks and an index of {routing.prefix_index_blocks} blocks each"
            f" are too much to serve at once: {nodes * instances} states of blocks, at most {_MOST_STATE}; give"
            " fewer kv.blocks or instances"
        )
    return nodes
