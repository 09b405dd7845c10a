"""From a run to equations: times of requests are sums of steps, and a step's duration a sum of prices.

While the steps stay as they are, every recorded time is a linear equation in the prices: from the step that a request
met when it came to the one that gave the token, all steps together. Each equation is divided by what was recorded, so
that errors are shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.fit.terms import Terms
from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording, StepLog

#: What an equation is of.
TTFT, E2E, GAPS, STEP = range(4)


class Rows(NamedTuple):
    """Equations: columns @ prices = values, as shares of what was recorded."""

    columns: NDArray[np.float64]  # [rows, terms]
    values: NDArray[np.float64]  # [rows]
    request: NDArray[np.int64]  # [rows] place of the request or the step that each is of, in the order of the log
    measure: NDArray[np.int64]  # [rows] what was recorded: TTFT, E2E, GAPS or STEP


def step_rows(log: StepLog, terms: Terms) -> Rows:
    """Of a step log: one of each step."""
    steps = log.steps
    duration_us = steps["duration_us"].astype(np.float64)
    places = np.arange(len(steps))
    return Rows(terms.columns(steps) / duration_us[:, None], np.ones(len(steps)), places, np.full(len(steps), STEP))


def request_rows(recording: Recording, result: ResultTable, terms: Terms, rows: NDArray[np.int64]) -> Rows:
    """Of some requests of a recording and a run of them that kept its steps: TTFT, E2E and the time between the two."""
    steps = result.kept_steps
    assert steps is not None, "the run must keep its steps"
    sums = np.vstack([np.zeros(len(terms.names)), np.cumsum(terms.columns(steps), axis=0)])
    begin_us = (result.queued_us if recording.taken_up else recording.requests.arrival_us)[rows]
    met = _met(steps, begin_us)
    early_us = begin_us - steps["start_us"][met]
    first, last = result.first_step[rows] - 1, result.last_step[rows] - 1
    ttft, e2e = recording.ttft_us[rows], recording.e2e_us[rows]
    parts = [
        (sums[first + 1] - sums[met], ttft + early_us, ttft),
        (sums[last + 1] - sums[met], e2e + early_us, e2e),
    ]
    together = e2e > ttft
    parts.append(((sums[last + 1] - sums[first + 1])[together], (e2e - ttft)[together], (e2e - ttft)[together]))
    usable = [weight > 0 for _, _, weight in parts]
    return Rows(
        np.concatenate(
            [columns[good] / weight[good, None] for (columns, _, weight), good in zip(parts, usable, strict=True)]
        ),
        np.concatenate([values[good] / weight[good] for (_, values, weight), good in zip(parts, usable, strict=True)]),
        np.concatenate([each[good] for each, good in zip((rows, rows, rows[together]), usable, strict=True)]),
        np.concatenate([np.full(good.sum(), measure) for measure, good in zip((TTFT, E2E, GAPS), usable, strict=True)]),
    )


def _met(steps: NDArray[np.void], arrival_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """[requests] the step that ran when each came; where none did, the next one."""
    ends = steps["start_us"] + steps["duration_us"]
    return np.minimum(np.searchsorted(ends, arrival_us, side="right"), len(steps) - 1)


def joined(parts: Sequence[Rows]) -> Rows:
    """All equations; requests of different logs are different."""
    offset, requests = 0, []
    for part in parts:
        requests.append(part.request + offset)
        offset += int(part.request.max(initial=-1)) + 1
    return Rows(
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate(requests),
        np.concatenate([part.measure for part in parts]),
    )
