"""A calibration in one picture: distributions, request against request, and time lines, recorded and simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from blis.calibration.errors import MEASURES, Times
from blis.calibration.report import Calibration
from blis.comparison.style import COLOURS, INK, MUTED, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

RECORDED, SIMULATED = COLOURS[0], COLOURS[2]

_HEADINGS = {"ttft": "time to first token", "tpot": "time per output token", "e2e": "end-to-end latency"}
_LINES = {
    "running": "running requests",
    "waiting": "waiting requests",
    "kv_share": "KV cache in use, share",
    "in_flight": "requests in flight",
}


def picture(found: Calibration) -> Figure:
    """A column a measure: above distribution functions, below a point a request; then a row a time line."""
    from matplotlib.figure import Figure

    lines = found.timelines.lines
    figure = Figure(figsize=(13, 7.5 + 1.8 * len(lines)), dpi=120, layout="constrained", facecolor="white")
    title = f"{found.source}: recorded and simulated, {found.pairs.counts.matched} requests"
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    grid = figure.add_gridspec(2 + len(lines), 3, height_ratios=(1.5, 1.7, *([0.9] * len(lines))))
    for column, name in enumerate(MEASURES):
        recorded_s, simulated_s = _known(found.pairs.recorded[name] / 1e6, found.pairs.simulated[name] / 1e6)
        _draw_distributions(figure.add_subplot(grid[0, column]), _HEADINGS[name], recorded_s, simulated_s)
        _draw_points(figure.add_subplot(grid[1, column]), _HEADINGS[name], recorded_s, simulated_s)
    for row, name in enumerate(lines):
        _draw_line(figure.add_subplot(grid[2 + row, :]), found, name)
    return figure


def _known(recorded: Times, simulated: Times) -> tuple[Times, Times]:
    """Those that can stand on logarithmic axes."""
    good = (recorded > 0) & (simulated > 0)
    return recorded[good], simulated[good]


def _draw_distributions(axes: Axes, heading: str, recorded_s: Times, simulated_s: Times) -> None:
    """Shares that were faster than a time, on a logarithmic axis."""
    for label, colour, values in (("recorded", RECORDED, recorded_s), ("simulated", SIMULATED, simulated_s)):
        shares = np.arange(1, len(values) + 1) / max(len(values), 1)
        axes.step(np.sort(values), shares, where="post", color=colour, linewidth=1.6, label=label)
    _titled(axes, heading, "seconds", "share of requests")
    if len(recorded_s):
        axes.set_xscale("log")
        _write_out(axes.xaxis)
    axes.set_ylim(0, 1.01)
    axes.legend(frameon=False, fontsize=9, labelcolor="linecolor")


def _draw_points(axes: Axes, heading: str, recorded_s: Times, simulated_s: Times) -> None:
    """A request a point; on the line both are equal."""
    _titled(axes, f"{heading}, request by request", "seconds, recorded", "seconds, simulated")
    if not len(recorded_s):
        return
    both = np.concatenate([recorded_s, simulated_s])
    ends = [both.min() * 0.9, both.max() * 1.1]
    axes.plot(ends, ends, color=MUTED, linewidth=1)
    axes.plot(recorded_s, simulated_s, "o", color=SIMULATED, markersize=3, alpha=0.5, markeredgewidth=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        _write_out(axis)


def _draw_line(axes: Axes, found: Calibration, name: str) -> None:
    """One quantity over time."""
    line, seconds = found.timelines.lines[name], found.timelines.time_us / 1e6
    axes.plot(seconds, line.recorded, color=RECORDED, linewidth=1.4)
    axes.plot(seconds, line.simulated, color=SIMULATED, linewidth=1.4)
    _titled(axes, _LINES[name], "seconds", "")
    axes.set_ylim(bottom=0)


def _write_out(axis: Axis) -> None:
    """Numbers as people write them, at 1, 2 and 5 times the powers of ten of a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _titled(axes: Axes, heading: str, below: str, beside: str) -> None:
    axes.set_title(heading, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(below)
    axes.set_ylabel(beside)
    dress(axes)
