"""Errors of times."""

from __future__ import annotations

import numpy as np
import pytest

from blis.calibration.errors import MEASURES, mape, recorded_times, simulated_times
from blis.engine.run import simulate
from tests.blis.calibration.recordings import handmade, scenario, simulated


def test_the_mean_of_relative_errors():
    assert mape(np.array([100.0, 200.0]), np.array([110.0, 180.0])) == pytest.approx(10)
    assert mape(np.array([0.0, 200.0]), np.array([110.0, 180.0])) == pytest.approx(10)
    assert mape(np.array([100.0, 200.0]), np.array([np.nan, 180.0])) == pytest.approx(10)
    assert np.isnan(mape(np.zeros(2), np.ones(2)))


def test_times_of_a_recording():
    times = recorded_times(handmade([100, 200], [500, 600]))
    assert times["ttft"].tolist() == [100, 200] and times["e2e"].tolist() == [500, 600]
    assert times["tpot"].tolist() == [100, 100]
    assert np.isnan(recorded_times(handmade([100], [100], output_tokens=[1]))["tpot"]).all()


def test_a_simulation_replayed_is_itself():
    recording = simulated(scenario())
    recorded, again = recorded_times(recording), simulated_times(recording, simulate(scenario(), recording.requests))
    assert all(mape(recorded[name], again[name]) == 0 for name in MEASURES)
    slower = simulated_times(recording, simulate(scenario({"fixed_us": 18_000}), recording.requests))
    assert mape(recorded["e2e"], slower["e2e"]) > 5
