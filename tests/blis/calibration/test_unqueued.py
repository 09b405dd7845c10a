"""Who never queued, in the simulation and in the log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.calibration.unqueued import never_queued
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.workload.recorded.recording import Recording
from tests.blis.calibration.recordings import handmade, scenario

SLOW = {"fixed_us": 100_000, "prefill_us_token": 0, "decode_us_request": 0, "context_us_token": 0}


def at(*arrivals_ms: int, scheduled_ms: list[int] | None = None) -> Recording:
    """Requests of 5 outputs, with steps of 100 ms."""
    arrival = np.array(arrivals_ms) * 1000
    scheduled = None if scheduled_ms is None else np.array(scheduled_ms) * 1000
    times = {"arrival_us": arrival, "first_token_us": arrival + 10**6, "completed_us": arrival + 10**6}
    return handmade([0] * len(arrival), [0] * len(arrival), **times, scheduled_us=scheduled)


def who(recording: Recording, **instance) -> list[bool]:
    server = scenario(SLOW, **instance)
    result = simulate(server, recording.requests, observe=Observe(steps=True))
    return never_queued(recording, server, result).tolist()


def test_who_gets_into_the_next_batch_never_queued():
    """The second comes during a step and waits for its end only; the third finds no place for some steps."""
    assert who(at(0, 50, 60), batch={"max_running": 2}) == [True, True, False]
    assert who(at(0, 50, 60), batch={"max_running": 3}) == [True, True, True]
    assert who(at(0, 50, 350), batch={"max_running": 2}) == [True, True, False]  # one batch goes by
    assert who(at(0, 50, 450), batch={"max_running": 2}) == [True, True, True]


@pytest.mark.parametrize(("places", "third"), [(2, False), (3, True)])
def test_an_engine_that_chooses_ahead_has_chosen_the_next_batch_already(places, third):
    engine = {"profile": "original", "async_scheduling": True}
    assert who(at(0, 50, 60), batch={"max_running": places}, engine=engine) == [True, True, third]


def test_the_log_must_say_so_too_where_it_says_something():
    assert who(at(0, 1000, 2000, scheduled_ms=[0, 1001, 2005])) == [True, True, False]


def test_who_was_never_let_in_did_queue():
    recording = at(0, 1000, 2000)
    server = replace(scenario(SLOW), horizon_us=1_500_000)
    result = simulate(server, recording.requests, observe=Observe(steps=True))
    assert never_queued(recording, server, result).tolist() == [True, True, False]
