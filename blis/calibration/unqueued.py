"""Requests that never queued: what they waited for is their own prefill, and nothing but the latency model says it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blis.config import Scenario
from blis.tables.results import ResultTable
from blis.workload.recorded.recording import Recording

#: vLLM takes a request up and lets it in in one turn of its loop, unless it has to queue.
_ONE_TURN_US = 1_000


def never_queued(recording: Recording, scenario: Scenario, result: ResultTable) -> NDArray[np.bool_]:
    """[n] let into the first batch that was chosen after they came; in the log, too, where it says so.

    result: of the recording's requests, with its steps kept.
    """
    steps = result.kept_steps
    assert steps is not None, "the run must keep its steps"
    at_once = np.zeros(len(recording), bool)
    for number, replica in enumerate(scenario.replicas):
        rows = np.flatnonzero((result.instance == number) & (result.scheduled_us >= 0))
        starts = steps["start_us"][steps["instance"] == number]
        missed = np.searchsorted(starts, result.scheduled_us[rows]) - np.searchsorted(starts, result.queued_us[rows])
        ahead = int(replica.instance.engine.async_scheduling)  # the batch of the next step had been chosen
        at_once[rows] = missed <= ahead
    if recording.scheduled_us is not None:
        at_once &= recording.scheduled_us - recording.requests.arrival_us <= _ONE_TURN_US
    return at_once
