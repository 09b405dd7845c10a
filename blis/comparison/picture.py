"""Policies side by side in one picture: how long requests take, and what goes on in the instances over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.comparison.measures import Rows
from blis.comparison.style import COLOURS, INK, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Instances that get a line each; of more, the range and the mean are drawn.
MOST_LINES = 8


@dataclass(frozen=True)
class PictureRun:
    """What one policy did on one table."""

    rows: Rows
    samples: NDArray[np.void]  # [instants, instances] SAMPLE
    kv_blocks: NDArray[np.int64]  # [instances]

    @property
    def seconds(self) -> NDArray[np.float64]:
        """[instants] since the first sample, which is taken when the first request arrives."""
        time_us = self.samples["time_us"][:, 0]
        return np.asarray(time_us - time_us[:1], np.float64) / 1e6


def picture(runs: Mapping[str, PictureRun], title: str) -> Figure:
    """Above: distributions of TTFT and E2E, a curve a policy. Below, a row a policy: waiting requests and KV use.

    Scales are the same for all policies.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(runs)
    figure = Figure(figsize=(13, 4.4 + 2.5 * count), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    panels = figure.subplots(1 + count, 2, height_ratios=(1.7, *([1] * count)), squeeze=False)
    _draw_distributions(panels[0, 0], {name: one.rows.ttft_ms for name, one in runs.items()}, "time to first token")
    _draw_distributions(panels[0, 1], {name: one.rows.e2e_ms for name, one in runs.items()}, "end-to-end latency")
    for (name, one), row, colour in zip(runs.items(), panels[1:], _colours(count), strict=True):
        _draw_instances(row[0], one, one.samples["queue_depth"], f"{name}: waiting requests", colour)
        _draw_instances(
            row[1], one, 100 * one.samples["used_blocks"] / one.kv_blocks, f"{name}: KV cache in use, %", colour
        )
    _align(panels[1:], runs)
    return figure


def _colours(count: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(count)]


def _draw_distributions(axes: Axes, found: Mapping[str, NDArray[np.float64]], label: str) -> None:
    """Shares of requests that were faster than a time, on a logarithmic axis; names beside their curves."""
    known = {name: np.sort(times_ms[~np.isnan(times_ms)]) / 1e3 for name, times_ms in found.items()}
    colours = dict(zip(found, _colours(len(found)), strict=True))
    fastest_first = sorted((name for name in known if len(known[name])), key=lambda name: known[name].mean())
    heights = np.linspace(0.85, 0.15, len(fastest_first)) if len(fastest_first) != 1 else [0.5]
    for place, (name, height) in enumerate(zip(fastest_first, heights, strict=True)):
        seconds = known[name]
        share = np.arange(1, len(seconds) + 1) / len(seconds)
        axes.step(seconds, share, where="post", color=colours[name], linewidth=1.6)
        at = seconds[min(int(height * len(seconds)), len(seconds) - 1)]
        axes.plot([at], [height], "o", color=colours[name], markersize=4)
        to_the_left = place < len(fastest_first) / 2  # away from the slower curves
        _label(axes, name, (at, height), (-7 if to_the_left else 7, 0), colours[name])
    axes.set_xscale("log")
    axes.set_ylim(0, 1.01)
    axes.margins(x=0.08)
    axes.set_title(label, loc="left", color=INK, fontsize=11)
    axes.set_xlabel("seconds")
    axes.set_ylabel("share of requests")
    dress(axes)


def _draw_instances(axes: Axes, one: PictureRun, values: NDArray[Any], label: str, colour: str) -> None:
    """A line an instance, numbered at its highest point; of many instances their range and mean."""
    seconds, number = one.seconds, values.shape[1]
    crowd = f" (range and mean of {number} instances)" if number > MOST_LINES else ""
    axes.set_title(label + crowd, loc="left", color=colour, fontsize=10)
    dress(axes)
    if not len(seconds):
        return
    if number > MOST_LINES:
        axes.fill_between(seconds, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.25, linewidth=0)
        axes.plot(seconds, values.mean(axis=1), color=colour, linewidth=1.5)
        return
    for j, shade in enumerate(_shades(number)):
        axes.plot(seconds, values[:, j], color=shade, linewidth=1.1)
        at = _own_peak(values, j)
        _label(axes, str(j), (seconds[at], values[at, j]), (2, 4), shade)


def _own_peak(values: NDArray[Any], j: int) -> int:
    """Where to put the number of instance j: in its own part of the time, at its highest point there."""
    first, last = (len(values) * k // values.shape[1] for k in (j, j + 1))
    return first + int(values[first : max(last, first + 1), j].argmax())


def _shades(number: int) -> Sequence[Any]:
    """Colours from dark to light that stay apart in grey."""
    from matplotlib import colormaps

    return [colormaps["viridis"](place) for place in np.linspace(0.0, 0.85, number)]


def _align(panels: NDArray[Any], runs: Mapping[str, PictureRun]) -> None:
    """The same scales in all rows of a column."""
    longest_s = max(float(one.seconds.max(initial=0)) for one in runs.values())
    deepest = max([one.samples["queue_depth"].max(initial=1) for one in runs.values()])
    for queue, kv in panels:
        for axes in (queue, kv):
            axes.set_xlim(0, max(longest_s, 1e-6))
            axes.set_xlabel("seconds" if queue is panels[-1, 0] else "")
        queue.set_ylim(0, 1.15 * max(deepest, 1))
        kv.set_ylim(0, 108)


def _label(axes: Axes, text: str, point: tuple[float, float], offset: tuple[float, float], colour: Any) -> None:
    """A text beside a point, on a white ground so that curves do not cross it out."""
    from matplotlib import patheffects

    axes.annotate(
        text, point, xytext=offset, textcoords="offset points", color=colour, fontsize=9, va="center",
        ha="right" if offset[0] < 0 else "left",
        path_effects=[patheffects.withStroke(linewidth=3, foreground="white")], zorder=5, annotation_clip=False,
    )  # fmt: skip
