"""How pictures look and are saved: colours that the colour-blind can tell apart, quiet axes, no clock in the file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f24", "#7d8590", "#e3e6ea"

#: Okabe and Ito's colours, without yellow, which is too light for a line.
COLOURS = ("#1b1f24", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def dress(axes: Axes) -> None:
    """Quiet axes: a light grid, no box."""
    axes.grid(True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=8, length=0)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def png(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file, equal for equal figures."""
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
