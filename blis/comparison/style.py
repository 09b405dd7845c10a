"""How pictures look and are saved: colours that the colour-blind can tell apart, quiet axes, no clock in the file."""

from __future__ import annotations

import colorsys
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#1b1f24", "#7d8590", "#e3e6ea"

#: Okabe and Ito's colours, without yellow, which is too light for a line.
COLOURS = ("#1b1f24", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


_GOLDEN = (5**0.5 - 1) / 2  # multiples of it spread evenly over a circle, however many there are


def different_colours(count: int, first: Sequence[str] = COLOURS) -> list[str]:
    """So many different colours: `first`, then darker and lighter hues, each far from those before it."""
    more = []
    for place in range(count - len(first)):
        parts = colorsys.hls_to_rgb(0.03 + place * _GOLDEN % 1, (0.3, 0.6)[place % 2], 0.75)
        more.append("#" + "".join(f"{round(255 * part):02x}" for part in parts))
    return [*first[:count], *more]


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data, metadata={"Software": None})  # `savefig` would lay it out twice
    return data.getvalue()
