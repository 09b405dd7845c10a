"""Rooms that many requests take at once and that grow: one numpy call a column, whoever comes.

What is settled for one request in `rooms.py` is settled here for all that come together.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.engine.build.order import length_noise
from blis.engine.build.readers import readers_of
from blis.engine.live.rooms import Limits, Rooms
from blis.engine.observe import NOTHING
from blis.engine.records import NONE
from blis.engine.world import Array
from blis.errors import InputError
from blis.tables.limits import within_limits
from blis.tables.requests import RequestTable, draws
from blis.tables.streams import Chunk

Rows = NDArray[np.int64]

#: Arrays of World with a place for each request, by the axis of that; where they have none, nobody asks.
_BY_ROW = {
    **dict.fromkeys(("rows", "index_rows", "order", "loops", "columns", "requests", "traits", "retry_after_us"), 0),
    **dict.fromkeys(("releases", "times", "counts", "below"), 1),
}


class Seats(Rooms):
    """Rows of the arrays of a run, taken and given back by many at once. `number`: [rows] which request has each."""

    def __init__(self, scenario: Scenario, patterns: RequestTable, first_us: int, rows: int) -> None:
        """patterns: see RequestStream. first_us: the first arrival. rows: for so many requests there is room at first.

        Raises InputError for what is asked of sessions and whole prompts: they are not known here.
        """
        readers = readers_of(scenario, Compat(), NOTHING)
        if readers["exact_home"]:
            raise InputError("routing: prefix-affinity-exact knows whole prompts, which a streamed run does not keep")
        patterns = within_limits(patterns, *scenario.instance.engine.limits)
        rows = max(rows, len(patterns), len(patterns.slo_names)) + 1
        super().__init__(scenario, patterns.slo_names, Limits(requests=rows), table=_widened(patterns, first_us, rows))
        limits = self.limits
        self.state.arrays = self.state.arrays._replace(line=np.empty(limits.requests, np.int32))
        self._vacant = np.array(self._free, np.int64)
        self.number = np.full(limits.requests, NONE)
        self.slo_class = np.zeros(limits.requests, np.int16)
        self._look()

    def _look(self) -> None:
        """Views of the arrays as they are now."""
        arrays = self.state.arrays
        self.requests = arrays.requests.view(np.ndarray)
        self.places = arrays.loops.view(np.ndarray)["place"]

    def take_all(self, chunk: Chunk, count: int) -> Rows:
        """The rows of the first `count` requests of a chunk, which come after all before them."""
        while len(self._vacant) < count:
            self._grow()
        self._lengthen(count)
        left = len(self._vacant) - count
        rows, self._vacant = self._vacant[left:][::-1], self._vacant[:left]
        arrays, table, numbers = self.state.arrays, chunk.table, np.arange(self.arrivals, self.arrivals + count)
        self.requests[rows] = self._fresh.view(np.ndarray)[0]
        arrays.times[:, rows] = NONE
        if len(arrays.retry_after_us):
            arrays.retry_after_us[rows] = NONE
        self.number[rows], self.slo_class[rows] = numbers, table.slo_class[:count]
        for known, paths in zip((arrays.rows, arrays.index_rows), self.paths, strict=True):
            own, pattern = known.view(np.ndarray), chunk.pattern[:count]
            for field, column in (
                ("arrival_us", table.arrival_us),
                ("uniform", table.uniform),
                ("input_tokens", table.input_tokens),
                ("output_tokens", table.output_tokens),
            ):
                own[field][rows] = column[:count]
            for field in ("path_begin", "path_end"):
                own[field][rows] = np.where(pattern >= 0, paths[field][pattern], 0)
        self._settle_all(rows, table, count)
        released = int(arrays.cluster.released)
        heap = arrays.releases.view(np.ndarray)[0, released : released + count]  # the last: they keep it a heap
        heap["key"], heap["tie"], heap["request"] = table.arrival_us[:count], numbers, rows
        arrays.cluster.released = released + count
        self.arrivals += count
        return rows

    def _settle_all(self, rows: Rows, table: RequestTable, count: int) -> None:
        """What policies know of the requests."""
        arrays, first = self.state.arrays, self.arrivals + 1
        slo_class, tenant, uniform = table.slo_class[:count], table.tenant[:count], table.uniform[:count]
        if len(arrays.order):
            order = arrays.order.view(np.ndarray)
            order[rows] = self._order.view(np.ndarray)[slo_class]
            order["tenant"][rows] = tenant
        if len(arrays.columns):
            columns = arrays.columns.view(np.ndarray)
            columns[rows] = self._columns.view(np.ndarray)[slo_class]
            columns["input_tokens"][rows] = table.input_tokens[:count]
            columns["output_tokens"][rows] = table.output_tokens[:count]
            columns["length_noise"][rows] = length_noise(uniform, first)
        if len(arrays.traits):
            traits = arrays.traits.view(np.ndarray)
            traits[rows] = self._classed[slo_class]
            traits["tenant"][rows], traits["session"][rows] = tenant, NONE
            traits["placement"][rows] = 0 if table.placement is None else table.placement[:count]
            for field, purpose in self._draws:
                traits[field][rows] = draws(uniform, purpose, first)

    def give_back_all(self, rows: Rows) -> None:
        """The requests have left: their rows are free, and another one stands in their places."""
        self.state.arrays.line[self.places[rows]] = self._gone
        self.requests[rows] = self._fresh.view(np.ndarray)[0]
        self._vacant = np.concatenate([self._vacant, rows])

    def _grow(self) -> None:
        """Room for twice as many."""
        arrays, old = self.state.arrays, len(self.number)
        larger: dict[str, Array] = {}
        for name, axis in _BY_ROW.items():
            array = getattr(arrays, name)
            if array.size and not (name == "below" and array.shape[axis] == 1):
                shape = list(array.shape)
                shape[axis] = old
                more = np.zeros(shape, array.dtype)
                larger[name] = np.concatenate([array, more.view(type(array))], axis=axis).view(type(array))
        if "below" in larger:
            larger["below"][:, -old:].shallow_run = NONE
        larger["finish"] = self._more_members(arrays.finish, 2 * old)
        self.state.arrays = arrays._replace(**larger)
        self.state.arrays.loops.think_us[old:] = 1
        self.state.arrays.config.requests = self.state.arrays.cluster.next_opener = 2 * old
        self._vacant = np.concatenate([np.arange(old, 2 * old)[::-1], self._vacant])
        self.number = np.concatenate([self.number, np.full(old, NONE)])
        self.slo_class = np.concatenate([self.slo_class, np.zeros(old, np.int16)])
        self._look()

    def _more_members(self, finish: Array, rows: int) -> Array:
        """The members of each batch that decode: at most all requests, and at most as many as a batch may hold."""
        engines = self.state.arrays.engines
        most = min(int(np.minimum(engines.max_running, engines.budget_tokens).max()), rows)
        more = np.zeros((finish.shape[0], most - finish.shape[1]), finish.dtype)
        return np.concatenate([finish, more.view(type(finish))], axis=1).view(type(finish))

    def _lengthen(self, count: int) -> None:
        """Room in the order of arrivals for so many more."""
        line, end = self.state.arrays.line, self.arrivals + count
        if end > len(line):
            longer = np.empty(max(end, 2 * len(line)), np.int32)
            longer[: len(line)] = line
            self.state.arrays = self.state.arrays._replace(line=longer)


def _widened(patterns: RequestTable, first_us: int, rows: int) -> RequestTable:
    """So many rows, none after another: the patterns, then others; the first are of a class each."""
    n = len(patterns)
    zeros = np.zeros(rows, np.int64)
    inputs, outputs, slo_class = np.ones(rows, np.int64), zeros.copy(), zeros.astype(np.int16)
    inputs[:n], outputs[:n] = patterns.input_tokens, patterns.output_tokens
    slo_class[: len(patterns.slo_names)] = np.arange(len(patterns.slo_names))
    return replace(
        patterns,
        arrival_us=np.full(rows, first_us),
        input_tokens=inputs,
        output_tokens=outputs,
        path_offset=np.concatenate([patterns.path_offset, np.full(rows - n, patterns.path_offset[-1])]),
        output_node=zeros.astype(np.int32),
        slo_class=slo_class,
        tenant=zeros.astype(np.int32),
        session=np.full(rows, -1, np.int32),
        round=zeros.astype(np.int32),
        uniform=zeros.astype(np.float64),
        placement=zeros.astype(np.int16),
        predecessor=np.full(rows, -1, np.int32),
        think_us=zeros,
        cache={},
    )
