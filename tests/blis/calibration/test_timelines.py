"""Time lines: aligned whatever the engine's clock, implied by requests where nothing was said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blis.calibration.timelines import Line, best_shift_us, in_flight, sample_us, timelines
from blis.engine.observe import Observe
from blis.engine.run import simulate
from blis.workload.recorded.recording import Recording
from tests.blis.calibration.recordings import handmade, scenario, simulated


def lines(recording: Recording, since_us: int = 0):
    server = scenario()
    result = simulate(server, recording.requests, observe=Observe(sample_us=sample_us(recording)))
    return timelines(recording, server, result, since_us)


def test_in_flight_is_who_came_and_is_not_done():
    recording = handmade([100, 100], [1_500_000, 200])
    at = np.array([-1, 0, 999_999, 1_000_000, 1_000_200, 1_499_999, 1_500_000])
    assert in_flight(recording, at).tolist() == [0, 1, 1, 2, 1, 1, 0]


def test_an_engine_that_is_the_scenario_says_what_the_simulation_says():
    found = lines(simulated(scenario(), timeline=True))
    assert found.source == "the engine" and set(found.lines) == {"running", "waiting", "kv_share", "in_flight"}
    for name, line in found.lines.items():
        assert line.recorded.max() > 0 and line.correlation > 0.95, name
        assert line.mean_absolute_error < 0.1 * line.recorded.max(), name


@pytest.mark.parametrize("late_us", [-2_500_000, -10_000, 0, 740_000, 2_000_000])
def test_the_shift_of_the_engine_s_clock_is_found(late_us):
    recording = simulated(scenario(), timeline=True)
    assert recording.timeline is not None
    moments = recording.timeline.copy()
    moments["time_us"] += late_us
    assert best_shift_us(recording, moments) == pytest.approx(400_000 + late_us, abs=30_000)


def test_without_the_engine_the_requests_say_who_ran_and_waited():
    recording = simulated(scenario())
    found = lines(recording)
    assert found.source == "the requests" and found.shift_us == 0
    assert set(found.lines) == {"running", "waiting", "in_flight"}
    assert found.lines["waiting"].recorded.max() > 0
    assert found.lines["in_flight"].correlation > 0.999 and found.lines["waiting"].correlation > 0.999
    running, waiting = found.lines["running"], found.lines["waiting"]
    assert (running.recorded + waiting.recorded == found.lines["in_flight"].recorded).all()


def test_without_the_times_of_scheduling_only_who_was_there_is_known():
    assert set(lines(replace(simulated(scenario()), scheduled_us=None)).lines) == {"in_flight"}


def test_a_kv_use_of_zero_throughout_is_none():
    recording = simulated(scenario(), timeline=True)
    assert recording.timeline is not None
    moments = recording.timeline.copy()
    moments["kv_share"] = 0
    assert "kv_share" not in lines(replace(recording, timeline=moments)).lines


def test_what_was_before_may_be_left_out():
    recording = simulated(scenario(), timeline=True)
    whole, part = lines(recording), lines(recording, since_us=2_000_000)
    assert part.time_us.tolist() == [time for time in whole.time_us.tolist() if time >= 2_000_000]
    assert len(part.lines["running"].recorded) == len(part.time_us) < len(whole.time_us)


def test_nothing_goes_on_when_the_simulation_is_over():
    recording = simulated(scenario())
    fast = scenario({"fixed_us": 100})
    result = simulate(fast, recording.requests, observe=Observe(sample_us=sample_us(recording)))
    found = timelines(recording, fast, result)
    over = found.time_us > result.end_us
    assert over.any() and not found.lines["in_flight"].simulated[over].any()


def test_figures_of_a_line():
    line = Line(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    assert line.correlation == pytest.approx(1) and line.mean_absolute_error == 2
    assert np.isnan(Line(np.ones(3), np.ones(3)).correlation)
    assert np.isnan(Line(np.zeros(0), np.zeros(0)).mean_absolute_error)
