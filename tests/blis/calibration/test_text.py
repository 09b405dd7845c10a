"""The table says what the figures are."""

from __future__ import annotations

from dataclasses import replace

from blis.calibration.report import calibrate
from blis.calibration.text import calibration_text
from blis.tables.network import Network
from blis.workload.recorded.recording import Server
from tests.blis.calibration.recordings import handmade, scenario, simulated


def test_every_figure_has_its_place():
    server = Server(max_running=99, kv_blocks=400)
    recording = replace(simulated(scenario(), timeline=True), server=server, notes=("so it was",), client_side=True)
    found = calibrate(recording.without_warm_up(5), scenario({"fixed_us": 18_000}), Network(1500, 100))
    text = calibration_text(found)
    assert text.startswith("made: 120 requests, 115 compared, 5 warm up\n\n")
    lines = {tuple(line.split()[:2]): line.split() for line in text.splitlines() if line}
    ttft = found.metrics["ttft"]
    assert lines["ttft", "115"][2:5] == [
        f"{ttft.mape_percent:.1f}",
        f"{ttft.median_ape_percent:.1f}",
        f"{ttft.bias_percent:+.1f}",
    ]
    assert lines["ttft", "115"][-1] == "over-predict" and lines["fast:", "e2e"][3] != "–"
    p99 = found.metrics["e2e"].percentiles[99]
    assert lines["e2e", "p99"][2:4] == [f"{p99.recorded / 1000:.1f}", f"{p99.simulated / 1000:.1f}"]
    assert f"ratio {found.makespan_ratio:.3f}" in text
    assert lines["waiting", f"{found.timelines.lines['waiting'].correlation:.4f}"]
    assert lines["max_running", "99"][2:] == ["8", "differs"] and lines["kv_blocks", "400"][2:] == ["400", "matched"]
    assert "latency model: given: coefficients of the scenario" in text
    assert "network: round trip 1.5 ms, 100 Mbit/s" in text and "\nnotes\n  - so it was" in text


def test_what_cannot_be_had_is_a_dash():
    text = calibration_text(calibrate(handmade([10], [50]), scenario()))
    line = next(line for line in text.splitlines() if line.startswith("tpot"))
    assert line.split()[1] == "1" and "–" in line and "insufficient data" in line
    assert "notes" not in text and "no limit of bandwidth" in text
