"""What a study leaves behind: a page of tables in markdown and one picture, in outputs/experiments/<name>/."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blis.files import write_bytes, write_text
from blis.text import padded
from search.run_folder.overview import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path("outputs") / "experiments"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table with columns wide enough to be read as it is; all but the first column to the right."""
    head, *body = padded([header, *rows], right=range(1, len(header)))
    first, *others = ("-" * len(cell) for cell in head)
    rule = [first, *(dashes[1:] + ":" for dashes in others)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])


def make_figure(title: str, panels: int) -> tuple[Figure, list[Axes]]:
    """An empty picture of panels side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(5.2 * panels, 7.5), 4.6), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=INK, fontsize=12, fontweight="bold", x=0.01, ha="left")
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def publish(name: str, page: str, figure: Figure) -> Path:
    """Print a page, and write it and its picture; the folder they are in."""
    folder = FOLDER / name
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    write_bytes(folder / f"{name}.png", data.getvalue())
    write_text(folder / f"{name}.md", page + "\n")
    print(page)
    return folder
