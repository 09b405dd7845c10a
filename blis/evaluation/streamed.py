"""The numbers of a run whose requests are not held: a few narrow columns of each, and how often each gap occurs.

What `compute_metrics` gives for the tables of the whole run, to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.errors import EngineError
from blis.evaluation.gap_counts import GapCounts, distribution_of
from blis.evaluation.gaps import Gaps
from blis.evaluation.growing import Growing
from blis.evaluation.itl import BetweenTokens
from blis.evaluation.metrics import Metrics, class_labels, compute_metrics
from blis.tables.origin import Origin
from blis.tables.records import COMPLETED, DROPPED, QUEUED, RUNNING, STATUS_NAMES, STEP_LOG
from blis.tables.requests import ContentTree, RequestTable
from blis.tables.results import ResultTable

Column = NDArray[Any]

#: Columns of results that are held as times since the arrival.
_SINCE = ("queued_us", "scheduled_us", "completed_us")
_LATENCIES = ("ttft_us", "e2e_us")
_TOKENS = ("input_tokens", "output_tokens")
_CODES = ("slo_class", "tenant")
#: The widths of all columns.
_TYPES: dict[str, tuple[type, ...]] = {
    "status": (np.int8,),
    "arrival_us": (np.int64,),
    "instance": (np.int16, np.int32),
    "client": (np.int16, np.int32),
    **dict.fromkeys(_CODES, (np.int16, np.int32)),
    **dict.fromkeys(_TOKENS, (np.int32,)),  # two of 16 bits would be divided in single precision
    **dict.fromkeys((*_LATENCIES, *_SINCE), (np.int32, np.int64)),
}
#: Where each instance says how many requests have a status.
_COUNTED = {"completed": COMPLETED, "dropped": DROPPED, "queued": QUEUED, "running": RUNNING}
#: Columns of results that metrics do not read.
_UNREAD = (
    "first_token_us",
    "cached_tokens",
    "generated_tokens",
    "preemptions",
    "first_step",
    "last_step",
    "routed_us",
    "retry_after_us",
    "reason",
)


class Tally:
    """What is kept of requests that are over."""

    def __init__(self, scenario: Scenario, named: RequestTable) -> None:
        """named: any table with the names of the run's classes and tenants."""
        self._scenario, self._named = scenario, named
        labels, label = class_labels(named.slo_names)
        self._label, self._gaps, self._longest_us = label, [GapCounts() for _ in labels], 0
        self._columns = {name: Growing(*types) for name, types in _TYPES.items()}
        self._placed = np.zeros((scenario.cluster.instances + 1, len(STATUS_NAMES)), np.int64)  # the last: nowhere
        self._origin: Origin | None = None

    def add_gaps(self, slo_class: Column, result: ResultTable) -> None:
        """Count the gaps between tokens of requests that are over. slo_class: [m]; result: [m] with their steps."""
        gaps = Gaps.of(result, np.arange(len(result)), self._label[slo_class], len(self._gaps))
        self._longest_us = max(self._longest_us, gaps.longest_us())
        for counts, weights in zip(self._gaps, gaps.weights(result.status == COMPLETED), strict=True):
            counts.add(gaps.value_us, weights)

    def add(self, table: RequestTable, result: ResultTable) -> None:
        """Keep the columns of the next requests."""
        columns = {
            **{name: getattr(result, name) for name in ("status", "arrival_us", "instance", *_LATENCIES)},
            **{name: since(getattr(result, name), result.arrival_us) for name in _SINCE},
            **{name: getattr(table, name) for name in (*_TOKENS, *_CODES)},
        }
        if table.origin is not None:
            self._origin = table.origin
            columns["client"] = table.origin.client
        for name, column in columns.items():
            self._columns[name].add(column)
        np.add.at(self._placed, (result.instance, result.status), 1)

    def tables(self, last: ResultTable, longest_step_us: NDArray[np.int64]) -> tuple[RequestTable, ResultTable]:
        """All that is kept, as far as metrics read it: what they do not is empty or -1. May be asked for once.

        last: of the end of the run. longest_step_us: [instances], all that is left of the step log. Raises EngineError
        if the instances have counted other requests.
        """
        self._check(last.instances)
        arrival_us, delay_us = self._take("arrival_us"), self._take("scheduled_us")
        nowhere: Column = np.broadcast_to(np.int32(-1), len(arrival_us))
        columns: dict[str, Any] = dict.fromkeys(_UNREAD, nowhere)
        columns |= {name: after(self._take(name), arrival_us) for name in ("queued_us", "completed_us")}
        columns |= {name: self._take(name) for name in ("status", "instance", *_LATENCIES)}
        result = ResultTable(
            arrival_us=arrival_us,
            scheduling_delay_us=delay_us,
            scheduled_us=after(delay_us, arrival_us),
            **columns,
            steps=_longest(longest_step_us),
            gaps=last.gaps[:0],
            instances=last.instances,
            start_us=last.start_us,
            end_us=last.end_us,
            token_overhead_us=last.token_overhead_us,
            last_gap_twice=False,
        )
        return self._requests(arrival_us, nowhere), result

    def _requests(self, arrival_us: Column, nowhere: Column) -> RequestTable:
        """The requests without their content."""
        none, origin = nowhere[:0], self._origin
        if origin is not None:
            origin = Origin(self._take("client"), origin.client_names, origin.streaming, origin.networks)
        columns: dict[str, Any] = {
            **{name: self._take(name) for name in (*_TOKENS, *_CODES)},
            **dict.fromkeys(("path_offset", "path_node", "path_end_token"), none),
            **dict.fromkeys(("output_node", "session", "round"), nowhere),
            "uniform": np.broadcast_to(0.0, len(arrival_us)),
            "tree": ContentTree(none, none, none, none),
        }
        names = self._named.slo_names, self._named.tenant_names
        return RequestTable(arrival_us=arrival_us, slo_names=names[0], tenant_names=names[1], origin=origin, **columns)

    def metrics(self, table: RequestTable, result: ResultTable) -> Metrics:
        """The numbers of the run. table, result: of `tables`."""
        itl = [distribution_of(self._gaps), *(distribution_of([counts]) for counts in self._gaps)]
        return compute_metrics(self._scenario, table, result, between=BetweenTokens(itl, self._longest_us))

    def _take(self, name: str) -> Column:
        """A whole column, which is then not here any more."""
        return self._columns[name].take()

    def _check(self, instances: NDArray[np.void]) -> None:
        for name, status in _COUNTED.items():
            wrong = self._placed[:-1, status] != instances[name]
            if wrong.any():
                raise EngineError(
                    f"instance {int(np.argmax(wrong))} counts other {name} requests than have that status"
                )


def since(times_us: Column, arrival_us: Column) -> Column:
    """[n] how long after the arrival each is, -1 where it never was."""
    return np.where(times_us >= 0, times_us - arrival_us, -1)


def after(delay_us: Column, arrival_us: Column) -> Column:
    """[n] the times again."""
    found = arrival_us + delay_us
    found[delay_us < 0] = -1
    return found


def _longest(longest_step_us: NDArray[np.int64]) -> NDArray[np.void]:
    """A step log with the longest step of each instance alone."""
    found = np.zeros(len(longest_step_us), STEP_LOG)
    found["instance"], found["gap_us"] = np.arange(len(found)), longest_step_us
    return found
