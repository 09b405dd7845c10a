"""`Flow`: a run of requests that come in chunks and leave when they are over, so that only those in between are held.

What it gives is what `simulate` gives for a table of all of them, to the µs: with their results the part of the step
log that they have been through.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.config import Compat, Scenario
from blis.engine.build.outcome import counters_of, end_of, retry_after_of
from blis.engine.build.state import engines_of
from blis.engine.columns import COMPLETED_US, COUNTS, FIRST_STEP, LAST_STEP, TIMES
from blis.engine.live.kernels import live_until, report_some
from blis.engine.live.live import OVER
from blis.engine.live.seats import Rows, Seats
from blis.engine.live.window import StepWindow
from blis.engine.records import NEVER_US, NONE
from blis.engine.run import resume
from blis.tables.records import COMPLETED, LONG_GAP, NOT_ARRIVED
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from blis.tables.streams import Chunk

_COMPAT = Compat()

_NOTHING = {"status": NOT_ARRIVED, "generated_tokens": 0, "preemptions": 0, "reason": 0}
#: [columns, 1] counts of a request that never comes.
_NEVER = np.array([[_NOTHING.get(name, NONE)] for name in COUNTS], np.int32)


class Ended(NamedTuple):
    """Requests that are over, in any order."""

    number: NDArray[np.int64]  # [m] which of all
    slo_class: NDArray[np.int16]  # [m]
    result: ResultTable  # [m]; its steps are counted from where the step log that is left begins; the run so far


class Flow:
    """A run that takes requests chunk by chunk."""

    def __init__(self, scenario: Scenario, patterns: RequestTable, first_us: int, rows: int) -> None:
        """patterns, first_us, rows: see `Seats`. Raises InputError for what cannot be streamed."""
        self._scenario = scenario
        self._seats = Seats(scenario, patterns, first_us, rows)
        self._window = StepWindow(scenario.cluster.instances)
        self._here: Rows = np.empty(0, np.int64)
        self._horizon_us = NEVER_US if scenario.horizon_us is None else scenario.horizon_us
        self._completed_us = 0  # the latest completion

    @property
    def longest_step_us(self) -> NDArray[np.int64]:
        """[instances] so far."""
        return self._window.longest_us

    def take(self, chunk: Chunk) -> Ended:
        """The next requests come; gives those that are over by the last of their arrivals.

        Raises InputError for requests that take longer than a clock can tell.
        """
        seats, table = self._seats, chunk.table
        engines_of(self._scenario, table, _COMPAT)
        count = int(np.searchsorted(table.arrival_us, self._horizon_us, side="right"))
        self._here = np.concatenate([self._here, seats.take_all(chunk, count)])
        if count:
            live_until(seats.state, int(table.arrival_us[count - 1]))
        over = self._over()
        report_some(seats.state.arrays, self._here[over])
        numbers = np.arange(chunk.first, chunk.first + len(table))
        return self._leave(over, np.stack([numbers, table.slo_class, table.arrival_us], axis=1)[count:])

    def finish(self) -> Ended:
        """Nobody comes any more: the run goes on to its end; gives all who are left, whatever has become of them."""
        while resume(self._seats.state):
            pass
        return self._leave(np.ones(len(self._here), np.bool_), np.empty((0, 3), np.int64))

    def _over(self) -> NDArray[np.bool_]:
        """[here] to whom nothing more happens; what is over behind the horizon is settled at the end."""
        status = self._seats.requests["status"][self._here]
        late = self._seats.state.arrays.times[COMPLETED_US, self._here] > self._horizon_us
        return np.asarray(OVER[status] & ~((status == COMPLETED) & late))

    def _leave(self, over: NDArray[np.bool_], late: NDArray[np.int64]) -> Ended:
        """Those of `here` that are over. late: [l, 3] number, class and arrival of who comes behind the horizon."""
        seats, rows = self._seats, self._here[over]
        arrays, forgotten = seats.state.arrays, self._window.forgotten
        self._window.add(seats.state.take_log())
        arrays.cluster.cut |= len(late) > 0
        times = np.concatenate([arrays.times[:, rows], np.full((len(TIMES), len(late)), NONE)], axis=1)
        counts = np.concatenate([arrays.counts[:, rows], np.tile(_NEVER, len(late))], axis=1)
        arrival_us = arrays.rows.view(np.ndarray)["arrival_us"][rows]
        gaps = self._take_gaps(rows)
        for step in (counts[FIRST_STEP], counts[LAST_STEP]):
            step[step >= 0] -= forgotten[counts[1]][step >= 0]
        self._completed_us = max(self._completed_us, int(times[COMPLETED_US].max(initial=0)))
        result = ResultTable(
            **dict(zip(TIMES, times, strict=True)),
            **dict(zip(COUNTS, counts, strict=True)),
            arrival_us=np.concatenate([arrival_us, late[:, 2]]),
            steps=self._window.steps,
            gaps=gaps,
            instances=counters_of(arrays.instances.view(np.ndarray), _COMPAT),
            start_us=int(arrays.ask.start_us),
            end_us=end_of(arrays, self._scenario, _COMPAT, self._completed_us),
            token_overhead_us=arrays.engines.overhead_us.view(np.ndarray),
            last_gap_twice=False,
            retry_after_us=np.concatenate([retry_after_of(arrays)[rows], np.full(len(late), NONE)]),
        )
        number = np.concatenate([seats.number[rows], late[:, 0]])
        slo_class = np.concatenate([seats.slo_class[rows], late[:, 1].astype(np.int16)])
        self._here = self._here[~over]
        seats.give_back_all(rows)
        self._forget()
        return Ended(number, slo_class, result)

    def _take_gaps(self, rows: Rows) -> NDArray[np.void]:
        """The long gaps of requests that leave, by their places among these; those of the others stay."""
        arrays = self._seats.state.arrays
        known = arrays.gaps[: int(arrays.cluster.gap_rows)].view(np.ndarray)
        place = np.full(len(self._seats.number), NONE)
        place[rows] = np.arange(len(rows))
        of, instance = place[known["request"]], self._seats.requests["instance"][known["request"]]
        taken = known[of >= 0].view(LONG_GAP)
        for step in ("from_step", "to_step"):
            taken[step] -= self._window.forgotten[instance[of >= 0]]
        taken["request"] = of[of >= 0]
        stay = known[of < 0]
        known[: len(stay)] = stay
        arrays.cluster.gap_rows = len(stay)
        return taken

    def _forget(self) -> None:
        """Leave out the steps that nobody who is here has got a token in."""
        here = self._seats.requests[self._here]
        has_token = here["first_step"] != NONE
        needed = np.full(len(self._window.forgotten), NEVER_US)
        np.minimum.at(needed, here["instance"][has_token], here["first_step"][has_token])
        self._window.forget(needed)
