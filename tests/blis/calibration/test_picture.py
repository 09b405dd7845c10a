"""The picture: recorded and simulated side by side."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex

from blis.calibration.picture import RECORDED, SIMULATED, picture
from blis.calibration.report import calibrate
from blis.comparison.style import png
from tests.blis.calibration.recordings import handmade, scenario, simulated


def test_distributions_points_and_a_row_a_time_line():
    found = calibrate(simulated(scenario(), timeline=True), scenario({"fixed_us": 18_000}))
    figure = picture(found)
    assert len(figure.axes) == 6 + len(found.timelines.lines) == 10
    headings = [axes.get_title(loc="left") for axes in figure.axes]
    assert headings[0] == "time to first token" and headings[-1] == "requests in flight"
    curves = {line.get_label(): to_hex(line.get_color()) for line in figure.axes[0].lines}
    assert curves == {"recorded": RECORDED, "simulated": SIMULATED}
    points = figure.axes[1].lines[1]
    assert np.allclose(points.get_xdata(), found.pairs.recorded["ttft"] / 1e6)
    assert np.allclose(points.get_ydata(), found.pairs.simulated["ttft"] / 1e6)


def test_a_calibration_without_pairs_can_be_drawn():
    found = calibrate(handmade([10], [50]).without_warm_up(1), scenario())
    assert png(picture(found)).startswith(b"\x89PNG")


def test_equal_calibrations_give_equal_pictures():
    found = calibrate(simulated(scenario(), 30), scenario())
    assert png(picture(found)) == png(picture(found))
