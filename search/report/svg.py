"""Small pictures as SVG inside the page: its fonts, its colours in light and dark, the same bytes every time."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, cast

from blis.comparison.style import GRID, INK, MUTED, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Colours of the pictures' own; the page says what they look like, by the names beside them.
POLICY, PRIMARY, RULE, GOOD = "#c2410c", "#0969da", "#1a7f6b", "#d4efe3"

_VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", POLICY: "policy", PRIMARY: "primary", RULE: "rule", GOOD: "good"
}  # fmt: skip

PANEL_INCHES = (2.9, 2.0)
WIDE_INCHES = (8.0, 2.9)

#: What stays free of the axes for labels, in inches: left, right, bottom, top.
MARGINS = (0.4, 0.1, 0.4, 0.1)

_STYLE: Any = {"svg.fonttype": "none", "font.family": "DejaVu Sans", "font.size": 7.5, "path.simplify_threshold": 0.3}


@dataclass(frozen=True)
class Picture:
    """An SVG with its caption, and what more there is to say of it."""

    svg: str
    caption: str
    detail: str


def axes_of(inches: tuple[float, float] = PANEL_INCHES, right: float = MARGINS[1]) -> Axes:
    """Empty axes that look like the page. right: free space there, in inches."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=inches)
        FigureCanvasSVG(figure)
        width, height = inches
        left, _, bottom, top = MARGINS
        box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height)
        axes = figure.add_axes(box)
    dress(axes)
    return axes


def plain_ticks(axes: Axes, *sides: str) -> None:
    """Few ticks on logarithmic sides, with plain numbers: 0.1 and 20, not powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    for side in sides:
        axis = getattr(axes, f"{side}axis")
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=6))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def picture(axes: Axes, name: str, caption: str, detail: str = "") -> Picture:
    """The finished picture of some axes. name: of this picture alone, so that no two share an id."""
    import matplotlib

    text, figure = io.StringIO(), cast("Figure", axes.figure)
    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))  # no clock, no version
        figure.savefig(text, format="svg", transparent=True, metadata=nothing)
    return Picture(_inline(text.getvalue(), f"{caption} {detail}".strip()), caption, detail)


def _inline(text: str, label: str) -> str:
    """A file's SVG as an element of the page: as wide as its place, in the page's font and colours."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<style.*?</style>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r' id="[a-z][\w.]*_\d+"', "", body)  # of groups: the same in every picture
    body = body.replace("xlink:href=", "href=").replace("'DejaVu Sans'", "system-ui, sans-serif")
    body = re.sub(r"#[0-9a-f]{6}", lambda found: _variable(found[0]), body)
    body = re.sub(r"\s*\n\s*", " ", body)
    box = re.search(r'viewBox="[^"]*"', body)
    assert box is not None  # every SVG of matplotlib's has one
    opening = f'<svg {box[0]} role="img" aria-label="{escape(label)}">'
    return opening + body[body.index(">") + 1 :]


def _variable(colour: str) -> str:
    """A colour of ours by its name in the page."""
    return f"var(--{_VARIABLES[colour]})" if colour in _VARIABLES else colour
