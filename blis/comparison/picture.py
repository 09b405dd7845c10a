"""Policies side by side in one picture: how long requests take, and what goes on in the instances over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.comparison.measures import Rows
from blis.comparison.style import INK, different_colours, dress
from blis.evaluation.distribution import US_PER_MS, Weighted, weighted_distribution

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
    """Above: distributions of TTFT, gaps and E2E, a curve a policy. Below, a row a policy: waiting requests, KV use.

    Scales are the same for all policies.
    """
    from matplotlib.figure import Figure

    count = len(runs)
    figure = Figure(figsize=(13, 4.4 + 2.5 * count), dpi=120, layout="constrained", facecolor="white")
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    grid = figure.add_gridspec(1 + count, 6, height_ratios=(1.7, *([1] * count)))
    for column, (label, of) in enumerate(_DISTRIBUTIONS.items()):
        axes = figure.add_subplot(grid[0, 2 * column : 2 * column + 2])
        _draw_distributions(axes, {name: of(one.rows) for name, one in runs.items()}, label)
    panels = [[figure.add_subplot(grid[1 + k, half]) for half in (slice(3), slice(3, 6))] for k in range(count)]
    for (name, one), row, colour in zip(runs.items(), panels, different_colours(count), strict=True):
        _draw_instances(row[0], one, one.samples["queue_depth"], f"{name}: waiting requests", colour)
        _draw_instances(
            row[1], one, 100 * one.samples["used_blocks"] / one.kv_blocks, f"{name}: KV cache in use, %", colour
        )
    _align(panels, runs)
    return figure


def _known(times_ms: NDArray[np.float64]) -> Weighted:
    """In µs, those that there are."""
    return Weighted.once(times_ms[~np.isnan(times_ms)] * US_PER_MS)


#: What the upper panels show of a run, by their headings.
_DISTRIBUTIONS: dict[str, Callable[[Rows], Weighted]] = {
    "time to first token": lambda rows: _known(rows.ttft_ms),
    "gaps between tokens": lambda rows: rows.gaps_us,
    "end-to-end latency": lambda rows: _known(rows.e2e_ms),
}


def _draw_distributions(axes: Axes, found: Mapping[str, Weighted], label: str) -> None:
    """Shares that were faster than a time, on a logarithmic axis; names beside their curves."""
    colours = dict(zip(found, different_colours(len(found)), strict=True))
    means = {name: weighted_distribution(times).mean for name, times in found.items() if len(times.values)}
    fastest_first = sorted(means, key=lambda name: means[name])
    heights = np.linspace(0.85, 0.15, len(fastest_first)) if len(fastest_first) != 1 else [0.5]
    for place, (name, height) in enumerate(zip(fastest_first, heights, strict=True)):
        seconds, share = found[name].values / 1e6, found[name].shares
        axes.step(seconds, share, where="post", color=colours[name], linewidth=1.6)
        at = seconds[np.searchsorted(share, height)]
        axes.plot([at], [height], "o", color=colours[name], markersize=4)
        to_the_left = place < len(fastest_first) / 2  # away from the slower curves
        _label(axes, name, (at, height), (-7 if to_the_left else 7, 0), colours[name])
    axes.set_xscale("log")
    axes.set_ylim(0, 1.01)
    axes.margins(x=0.08)
    axes.set_title(label, loc="left", color=INK, fontsize=11)
    axes.set_xlabel("seconds")
    axes.set_ylabel("share of gaps" if "gaps" in label else "share of requests")
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


def _align(panels: Sequence[Sequence[Axes]], runs: Mapping[str, PictureRun]) -> None:
    """The same scales in all rows of a column."""
    longest_s = max(float(one.seconds.max(initial=0)) for one in runs.values())
    deepest = max([one.samples["queue_depth"].max(initial=1) for one in runs.values()])
    for queue, kv in panels:
        for axes in (queue, kv):
            axes.set_xlim(0, max(longest_s, 1e-6))
            axes.set_xlabel("seconds" if queue is panels[-1][0] else "")
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
