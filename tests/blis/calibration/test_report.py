"""A recording held against a simulation, as a whole."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from blis.calibration.report import calibrate
from blis.tables.network import Network
from blis.workload.recorded.recording import Server
from tests.blis.calibration.recordings import handmade, scenario, simulated


def test_a_recording_of_the_simulation_itself_has_no_error():
    recording = simulated(scenario(), timeline=True)
    found = calibrate(recording, scenario())
    assert found.pairs.counts.matched == len(recording)
    for comparison in found.metrics.values():
        assert (comparison.mape_percent, comparison.ks_distance, comparison.quality) == (0, 0, "excellent")
        assert comparison.pearson_r == pytest.approx(1)
    assert found.makespan_ratio == 1 and found.unqueued.mape_percent == 0 and 0 < found.unqueued.n < len(recording)
    assert set(found.classes) == {"fast", "slow"}
    assert sum(metrics["ttft"].n for metrics in found.classes.values()) == len(recording)
    assert found.warnings == []


def test_a_slower_simulation_is_over_predicting():
    found = calibrate(simulated(scenario()), scenario({"fixed_us": 18_000}))
    for comparison in found.metrics.values():
        assert comparison.bias == "over-predict" and comparison.mape_percent > 5
    assert found.makespan_ratio > 1.02


def test_the_share_that_is_scored_is_that_of_the_time_lines():
    recording = simulated(scenario(), timeline=True)
    found = calibrate(recording, scenario(), first=0.5)
    assert (found.pairs.counts.before_first, found.metrics["e2e"].n) == (60, 60)
    assert found.timelines.time_us.min() >= recording.requests.arrival_us[60]


def test_the_network_of_the_log_counts_unless_another_is_given():
    recording = replace(simulated(scenario()), network=Network(rtt_us=2000))
    for network, further_us in ((None, 2000), (Network(rtt_us=5000), 5000), (Network(), 0)):
        found = calibrate(recording, scenario(), network)
        assert (found.pairs.simulated["e2e"] - found.pairs.recorded["e2e"]).tolist() == [further_us] * 120
        assert found.to_dict()["network"]["rtt_ms"] == further_us / 1000


def test_what_may_make_figures_worthless_is_warned_of():
    recording = replace(simulated(scenario(), 60), server=Server(max_running=99))
    cut = scenario(engine={"profile": "original", "max_model_len": 300})
    warnings = "; ".join(calibrate(recording, cut).warnings)
    assert "requests have other lengths in the simulation than in the log" in warnings
    assert "requests of the log got no answer in the simulation" in warnings
    assert "max_running is 99 in the log and 8 in the simulation" in warnings
    few = calibrate(handmade([10_000, 10_000], [50_000, 50_000]), scenario())
    assert few.warnings == ["too few requests to rate ttft, tpot, e2e"]
    fast = calibrate(handmade([10, 10], [50, 50]), scenario())
    assert "are the times in another unit?" in fast.warnings[0] and fast.to_dict()["warnings"] == fast.warnings
    assert few.metrics["ttft"].quality == "insufficient data"


def test_answers_that_were_not_streamed_are_compared_by_their_ends():
    some = calibrate(handmade([-2_000_000, 10_000], [50_000, 50_000]), scenario())
    assert {name: found.n for name, found in some.metrics.items()} == {"ttft": 1, "tpot": 1, "e2e": 2}
    assert some.warnings[0] == "1 answers were not streamed: ttft and tpot are without them"
    none = calibrate(handmade([50_000] * 30, [50_000] * 30), scenario())
    assert {name: found.n for name, found in none.metrics.items()} == {"ttft": 0, "tpot": 0, "e2e": 30}
    assert none.warnings == [
        "30 answers were not streamed: ttft and tpot are without them",
        "too few requests to rate ttft, tpot",
    ]
    json.dumps(none.to_dict(), allow_nan=False)


def test_one_class_is_not_shown_by_itself():
    one = handmade([10_000] * 3, [90_000] * 3, slo_class=["a"] * 3)
    assert calibrate(one, scenario()).classes == {}
    two = calibrate(handmade([10_000] * 3, [90_000] * 3, slo_class=["a", "", "a"]), scenario()).classes
    assert {name: metrics["e2e"].n for name, metrics in two.items()} == {"a": 2, "none": 1}


def test_json_has_every_figure_and_no_nan():
    document = json.loads(json.dumps(calibrate(simulated(scenario()), scenario()).to_dict(), allow_nan=False))
    assert document["requests"]["matched"] == document["metrics"]["ttft"]["n"] == 120
    ttft = document["metrics"]["ttft"]
    assert ttft["percentiles"]["p99"]["recorded_ms"] == ttft["percentiles"]["p99"]["simulated_ms"] > 1
    assert document["classes"]["fast"]["e2e"]["mape_percent"] == 0
    assert document["makespan"]["ratio"] == 1 and document["latency_model"]["state"] == "given"
    assert document["timelines"]["recorded_by"] == "the requests"
    assert document["timelines"]["lines"]["in_flight"]["correlation"] > 0.9
    assert {setting["key"]: setting["state"] for setting in document["configuration"]}["max_running"] == "assumed"
    assert document["known_limitations"] and document["warnings"] == []


@pytest.mark.parametrize(
    "recording",
    [
        handmade([0], [0], output_tokens=[1]),
        handmade([10], [50]).without_warm_up(1),
        handmade([10], [50], input_tokens=[100_000]),  # too long for the simulated cache
    ],
)
def test_what_cannot_be_had_is_null(recording):
    found = calibrate(recording, scenario())
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["metrics"]["tpot"]["mape_percent"] is None
    assert document["metrics"]["tpot"]["quality"] == "insufficient data"
    assert np.isnan(found.metrics["ttft"].pearson_r)
