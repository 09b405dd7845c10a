"""A workload in one picture: what comes over time, what of it was there before, how long prompts and answers are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.comparison.style import COLOURS, INK, MUTED, dress
from blis.tables.requests import RequestTable
from blis.workload.content.reuse import seen_tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIMES, _BARS = 120, 40  # bins over time, and of a histogram
_NEW, _BEFORE, _OUTPUT = COLOURS[1], COLOURS[6], COLOURS[2]


def workload_picture(table: RequestTable, title: str) -> Figure:
    """Above: requests and prompt tokens a second. Below: prompts, answers, and how much of a prompt was there before.

    Requests that wait for an answer stand where they come if it takes no time.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8.6), dpi=120, layout="constrained", facecolor="white")
    heading = f"{title}: {len(table)} requests"
    figure.suptitle(heading, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    grid = figure.add_gridspec(3, 3)
    seconds, seen = (table.soonest_us - table.first_arrival_us) / 1e6, seen_tokens(table)
    _draw_arrivals(figure.add_subplot(grid[0, :]), seconds, closed=table.closed)
    _draw_tokens(figure.add_subplot(grid[1, :]), seconds, table.input_tokens, seen)
    _draw_lengths(figure.add_subplot(grid[2, 0]), table.input_tokens, "input tokens", _NEW)
    _draw_lengths(figure.add_subplot(grid[2, 1]), table.output_tokens, "output tokens", _OUTPUT)
    _draw_sharing(figure.add_subplot(grid[2, 2]), 100 * seen / table.input_tokens)
    return figure


def _bins(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """[bins + 1] edges over the whole time; a workload of one instant has a second."""
    return np.linspace(0, float(seconds.max()) or 1.0, min(_TIMES, max(len(seconds) // 4, 1)) + 1)


def _draw_arrivals(axes: Axes, seconds: NDArray[np.float64], *, closed: bool) -> None:
    edges = _bins(seconds)
    rates = np.histogram(seconds, edges)[0] / np.diff(edges)
    axes.stairs(rates, edges, fill=True, color=_NEW, alpha=0.25)
    axes.stairs(rates, edges, color=_NEW, linewidth=1.4)
    waiting = ": starts, and those that wait for an answer, as if it took no time" if closed else ""
    _head(axes, f"requests a second{waiting}", "seconds")


def _draw_tokens(axes: Axes, seconds: NDArray[np.float64], inputs: NDArray[np.int64], seen: NDArray[np.int64]) -> None:
    """Two areas, one on the other."""
    edges = _bins(seconds)
    per_bin = (np.histogram(seconds, edges, weights=tokens)[0] for tokens in (inputs, seen))
    whole, before = (tokens / np.diff(edges) / 1000 for tokens in per_bin)
    axes.stairs(whole, edges, fill=True, color=_NEW, label="new")
    axes.stairs(before, edges, fill=True, color=_BEFORE, label="were there before: what an endless cache finds")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8, frameon=False)
    _head(axes, "thousands of prompt tokens a second", "seconds")


def _draw_lengths(axes: Axes, tokens: NDArray[np.int64], label: str, colour: str) -> None:
    """On a logarithmic axis, the median and the 99th percentile marked; outputs of 0 stand at 1."""
    from matplotlib import patheffects

    lengths = np.maximum(tokens, 1)
    edges = np.geomspace(lengths.min() / 1.1, lengths.max() * 1.1, _BARS + 1)
    axes.hist(lengths, edges.tolist(), color=colour, alpha=0.8)
    axes.set_xscale("log")
    for name, place, line in (("p50", 50, 1), ("p99", 99, 2)):
        at = float(np.percentile(tokens, place))
        axes.axvline(max(at, 1), color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"{name} {at:.0f}", (max(at, 1), 1), xycoords=("data", "axes fraction"), xytext=(-3, -11 * line),
            textcoords="offset points", fontsize=8, color=INK, ha="right",
            path_effects=[patheffects.withStroke(linewidth=3, foreground="white")],
        )  # fmt: skip
    _head(axes, f"requests by {label}", "tokens")


def _draw_sharing(axes: Axes, percent: NDArray[Any]) -> None:
    axes.hist(percent, np.linspace(0, 100, _BARS + 1).tolist(), color=_BEFORE)
    axes.set_xlim(0, 100)
    _head(axes, "requests by how much of the prompt was there before", "% of its tokens")


def _head(axes: Axes, title: str, unit: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=10)
    axes.set_xlabel(unit)
    axes.margins(x=0.01)
    dress(axes)
    axes.xaxis.label.set_color(MUTED)
