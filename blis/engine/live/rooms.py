"""The state of a run without requests, with room for so many at a time: rows are places that are used again.

Everything that `encode` makes of a table is made of one whose rows say nothing but how many there may be. As in a
closed loop, orders are settled when a request comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from blis.config import Compat, Scenario
from blis.engine.build.arrays import blank, room
from blis.engine.build.encode_traits import DRAWS
from blis.engine.build.order import length_noise
from blis.engine.build.readers import readers_of
from blis.engine.build.state import encode
from blis.engine.live.fields import Fields
from blis.engine.live.kernels import give_up, live_until
from blis.engine.observe import NOTHING, Observe
from blis.engine.records import CLUSTER, HEAP, NONE, ROW
from blis.errors import InputError
from blis.tables.placement import Placement
from blis.tables.records import REJECTED
from blis.tables.requests import ContentTree, RequestTable, draws

#: Requests whose place in the order of arrivals is noted; a page of memory is touched when the first of them comes.
_PLACES = 2**26
#: A label that no instance has.
_NOWHERE = {"": "nowhere"}
#: More than places of one class.
_CLASS = 2**40


@dataclass(frozen=True)
class Limits:
    """How much a live run has room for."""

    requests: int = 16_384  # in flight
    nodes: int = 2**20  # different blocks that somebody knows
    tokens: int = 2**20  # of a prompt and its answer
    tenants: int = 64
    sessions: int = 65_536
    placements: int = 1  # ways in which instances may be barred to a request


@dataclass(frozen=True)
class Coming:
    """What is known of a request that comes, but for its content."""

    arrival_us: int
    input_tokens: int
    output_tokens: int
    slo_class: int
    uniform: float
    placement: int = 0


class Rooms:
    """Rows of the arrays of a run, taken and given back."""

    def __init__(
        self,
        scenario: Scenario,
        classes: Sequence[str],
        limits: Limits,
        observe: Observe | None = None,
        table: RequestTable | None = None,
    ) -> None:
        """classes: names of all SLO classes that may come. table: what is known of them before; as many rows as room.

        Its first rows are of a class each.
        """
        for name, words in (("failures", "fail"), ("autoscaling", "come and go")):
            if getattr(scenario.cluster, name).any:
                raise InputError(
                    f"cluster.{name}: instances {words} in runs and searches of whole tables alone; leave it out of"
                    " what is served or streamed"
                )
        if scenario.apart:
            raise InputError(
                "roles: prefill and decode are apart in runs and searches alone; leave disaggregation.prefill_instances"
                " and pools[].role out of what is served or streamed"
            )
        if any(replica.instance.batch.speculative_tokens for replica in scenario.replicas):
            raise InputError(
                "batch.speculative_tokens: tokens are guessed in runs of whole tables alone; leave it out of what is"
                " served or streamed"
            )
        if scenario.cluster.hedging.any:
            raise InputError(
                "cluster.hedging: copies are sent in runs and searches of whole tables alone; leave it out of what is"
                " served or streamed"
            )
        if scenario.clients.any:
            raise InputError(
                "clients: they give up in runs of whole tables alone; leave them out of what is served or streamed"
            )
        if any(replica.instance.lora.any for replica in scenario.replicas):
            raise InputError(
                "lora: adapters are served in runs and searches of whole tables alone; leave instance.lora and"
                " pools[].lora out of what is served or streamed"
            )
        self.limits = limits
        table = _empty_table(scenario, classes, limits) if table is None else table
        self.state = encode(scenario, table, Compat(), observe)
        arrays = self.state.arrays
        self.paths = Fields(arrays.rows), Fields(arrays.index_rows)  # of the table, in KV and in index blocks
        cluster = blank(CLUSTER, 1)
        cluster[0] = arrays.cluster
        self.state.arrays = arrays = arrays._replace(
            rows=blank(ROW, limits.requests),
            index_rows=blank(ROW, limits.requests),
            line=np.empty(_PLACES, np.int32),
            releases=room(HEAP, (1, limits.requests)),
            cluster=cluster[0],
        )
        self.cluster, self.rows, self.index_rows = Fields(cluster), Fields(arrays.rows), Fields(arrays.index_rows)
        self._place = Fields(arrays.loops)["place"]
        self.traits = Fields(arrays.traits)
        arrays.loops.think_us = 1  # whoever comes is taken from the heap of those that were released
        arrays.cluster.next_opener = limits.requests
        live_until(self.state, 0)
        self._fresh = arrays.requests[:1].copy()
        self._columns, self._order = (array[: len(classes)].copy() for array in (arrays.columns, arrays.order))
        self._classed = arrays.traits.view(np.ndarray)[: len(classes)].copy()
        readers = readers_of(scenario, Compat(), observe or NOTHING)
        self._draws = [(field, purpose) for field, purpose in DRAWS.items() if readers[purpose]]
        if len(self._order):
            self._order.victim = self._order.victim // limits.requests * _CLASS
        self._gone = limits.requests - 1  # stands in the order of arrivals for all that have left
        arrays.requests[self._gone].status = REJECTED
        give_up(arrays, self._gone)  # which is nowhere: so that nobody waits for the kernel while others are served
        self._free = list(range(limits.requests - 1))[::-1]
        self.arrivals = 0

    @property
    def full(self) -> bool:
        """Whether no request more has room."""
        return not self._free or self.cluster["next_admission"][0] + self.cluster["released"][0] >= _PLACES - 1

    def take(self, coming: Coming, tenant: int = 0, session: int = NONE) -> int:
        """The row of a request that comes; its paths are written by the caller."""
        arrays, r = self.state.arrays, self._free.pop()
        if not self.arrivals:
            arrays.ask.start_us = coming.arrival_us
        arrays.requests[r] = self._fresh[0]
        arrays.times[:, r] = NONE
        if len(arrays.retry_after_us):  # not said again to one whom the gateway has no room for
            arrays.retry_after_us[r] = NONE
        for rows in (arrays.rows, arrays.index_rows):
            rows[r] = (coming.arrival_us, coming.uniform, coming.input_tokens, coming.output_tokens, 0, 0)
        self._settle(r, coming, tenant, session)
        released = self.cluster["released"]
        arrays.releases[0, released[0]] = (coming.arrival_us, self.arrivals, r)  # the last: it keeps the heap
        released[0] += 1
        self.arrivals += 1
        return r

    def _settle(self, r: int, coming: Coming, tenant: int, session: int) -> None:
        """What policies know of the request."""
        arrays, number, uniform = self.state.arrays, self.arrivals + 1, np.array([coming.uniform])
        if len(arrays.order):
            arrays.order[r] = self._order[coming.slo_class]
            arrays.order[r].tenant = tenant
        if len(arrays.columns):
            arrays.columns[r] = self._columns[coming.slo_class]
            columns = arrays.columns[r]
            columns.input_tokens, columns.output_tokens = coming.input_tokens, coming.output_tokens
            columns.length_noise = length_noise(uniform, number)[0]
        if len(arrays.traits):
            traits = self.traits
            arrays.traits[r] = self._classed[coming.slo_class]
            traits["tenant"][r], traits["session"][r], traits["placement"][r] = tenant, session, coming.placement
            for field, purpose in self._draws:
                traits[field][r] = draws(uniform, purpose, number)[0]

    def give_back(self, r: int) -> None:
        """The request has left: its row is free, and another one stands in its place in the order of arrivals."""
        self.state.arrays.line[self._place[r]] = self._gone
        self._free.append(r)

    def begin_anew(self) -> None:
        """Nobody waits to be sent on: places in the order of arrivals count from 0 again.

        Those that are on instances then have the last one, which nobody else gets.
        """
        self.cluster["next_admission"][0] = self.cluster["next_routing"][0] = 0
        self.state.arrays.bands.oldest = 0
        self._place[:] = _PLACES - 1


def _empty_table(scenario: Scenario, classes: Sequence[str], limits: Limits) -> RequestTable:
    """As many rows as there is room, the first ones of each class; the first as long as any may be."""
    n, zeros = limits.requests, np.zeros(limits.requests, np.int64)
    inputs, classed, tenant, session = np.ones(n, np.int64), zeros.astype(np.int16), zeros.copy(), zeros.copy()
    inputs[0], session[0] = scenario.instance.engine.truncate_prompt_tokens or limits.tokens, limits.sessions - 1
    classed[: len(classes)] = np.arange(len(classes))
    nodes = np.zeros(limits.nodes, np.int64)
    block_tokens = scenario.replicas[0].instance.kv.block_size_tokens
    return RequestTable(
        arrival_us=zeros,
        input_tokens=inputs,
        output_tokens=zeros,
        path_offset=np.zeros(n + 1, np.int64),
        path_node=np.empty(0, np.int32),
        path_end_token=np.empty(0, np.int64),
        output_node=zeros.astype(np.int32),
        slo_class=classed,
        tenant=tenant.astype(np.int32),
        session=session.astype(np.int32),
        round=zeros.astype(np.int32),
        uniform=zeros.astype(np.float64),
        tree=ContentTree(nodes.astype(np.int32) - 1, nodes, nodes, np.arange(limits.nodes, dtype=np.int32)),
        slo_names=tuple(classes),
        tenant_names=tuple(map(str, range(limits.tenants))),
        predecessor=np.full(n, -1, np.int32),
        think_us=zeros,
        placement=zeros.astype(np.int16),
        placements=(Placement(), *[Placement(requires=_NOWHERE)] * (limits.placements - 1)),
        cache={f"engine/prompts/{block_tokens}": np.full(n, limits.nodes - 1)},  # a prompt's number is that of a node
    )
