"""The simulator for more requests than memory holds: they come in chunks, and results go as soon as they are known."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.engine.columns import COUNTS, TIMES
from blis.engine.live.flow import Ended, Flow
from blis.errors import InputError
from blis.evaluation.metrics import Metrics
from blis.evaluation.streamed import Tally
from blis.files import WholeFile
from blis.tables.frame import results_frame
from blis.tables.limits import within_limits
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.tables.streams import Chunk, RequestStream

#: Columns of results that differ from request to request.
_COLUMNS = (*TIMES, *COUNTS, "arrival_us", "retry_after_us")


@dataclass(frozen=True)
class StreamedResult:
    """What a streamed simulation gave: what metrics are made of. `requests`, `table`: as `Tally.tables` says."""

    scenario: Scenario  # with the policy applied
    requests: RequestTable
    table: ResultTable
    tally: Tally

    @cached_property
    def metrics(self) -> Metrics:
        """The summary of the run; equal to that of `simulate` for a table of the same requests."""
        return self.tally.metrics(self.requests, self.table)


def simulate_stream(
    scenario: Scenario, stream: RequestStream, results_path: str | Path | None = None
) -> StreamedResult:
    """Run a scenario on requests that come in chunks; what becomes of them is what `simulate` says of all at once.

    results_path: the results CSV, whole or not at all; its rows are written as soon as they and all before them are
    over. Raises InputError for what cannot be streamed: instances that fail, `prefix-affinity-exact`.
    """
    chunks = iter(stream.chunks)
    first = next(chunks, None)
    if first is None:
        raise InputError("no requests")
    tally = Tally(scenario, stream.patterns)
    with ExitStack() as files:
        writer = None if results_path is None else _Writer(scenario, files.enter_context(WholeFile(results_path)))
        flow = Flow(scenario, stream.patterns, first.table.first_arrival_us, 2 * len(first.table))
        last = _run(flow, chain([first], chunks), scenario.instance.engine.limits, _InOrder(tally, writer), tally)
    longest_step_us = flow.longest_step_us
    del flow  # before the columns are put together
    return StreamedResult(scenario, *tally.tables(last, longest_step_us), tally)


def _run(flow: Flow, chunks: Iterable[Chunk], limits: tuple[int, int], order: _InOrder, tally: Tally) -> ResultTable:
    """Take all chunks and pass on what becomes of them; gives the run at its end."""
    for chunk in chunks:
        limited = chunk._replace(table=within_limits(chunk.table, *limits))
        order.expect(limited)
        ended = flow.take(limited)
        tally.add_gaps(ended.slo_class, ended.result)
        order.put(ended)
    ended = flow.finish()
    tally.add_gaps(ended.slo_class, ended.result)
    order.put(ended)
    return ended.result


class _Writer:
    """The results CSV, chunk by chunk."""

    def __init__(self, scenario: Scenario, file: WholeFile) -> None:
        self._instances, self._file = [replica.instance for replica in scenario.replicas], file

    def write(self, chunk: Chunk, result: ResultTable) -> None:
        """The next rows; the first of all with a header."""
        ids = chunk.table.request_ids or tuple(
            f"request_{row}" for row in range(chunk.first, chunk.first + len(chunk.table))
        )
        frame = results_frame(replace(chunk.table, request_ids=ids, cache={}), result, self._instances)
        text = frame.to_csv(index=False, header=chunk.first == 0, lineterminator="\n")
        self._file.write(text.encode())


class _InOrder:
    """Results in the order of requests, chunk by chunk: each is passed on when all of it and all before are known."""

    def __init__(self, tally: Tally, writer: _Writer | None) -> None:
        self._tally, self._writer = tally, writer
        self._open: list[_Open] = []

    def expect(self, chunk: Chunk) -> None:
        """These requests come next."""
        self._open.append(_Open(chunk))

    def put(self, ended: Ended) -> None:
        """Those are over."""
        order = np.argsort(ended.number)
        edges = np.searchsorted(ended.number[order], [each.chunk.first for each in self._open] + [2**62])
        for each, begin, end in zip(self._open, edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            if begin < end:
                each.put(ended, order[begin:end])
        while self._open and self._open[0].left == 0:
            done = self._open.pop(0)
            result = replace(ended.result, **done.columns)
            self._tally.add(done.chunk.table, result)
            if self._writer is not None:
                self._writer.write(done.chunk, result)


class _Open:
    """A chunk of which some are not over yet."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk, self.left = chunk, len(chunk.table)
        self.columns: dict[str, Any] = {}

    def put(self, ended: Ended, places: NDArray[np.int64]) -> None:
        """Some of its requests are over."""
        rows = ended.number[places] - self.chunk.first
        for name in _COLUMNS:
            column = getattr(ended.result, name)
            if name not in self.columns:
                self.columns[name] = np.empty(len(self.chunk.table), column.dtype)
            self.columns[name][rows] = column[places]
        self.left -= len(rows)
