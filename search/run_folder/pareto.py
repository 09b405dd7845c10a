"""The front of a search for compromises: candidates that no other beats in every objective.

Written by the main job if the driver is one for compromises: `pareto.csv`, a bundle of each member in
`pareto/` and `figures/pareto.png`. All of it is as the search tables saw it; only the winner of the verdict
is proved on fresh ones.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from blis.comparison.style import INK, MUTED, dress, png
from blis.files import write_bytes, write_text
from blis.policies.bundle import PolicyBundle
from search.drivers import DRIVERS
from search.identity import origin
from search.run_folder.export import bundle_text
from search.run_folder.overview import baseline_colours
from search.running.archive import BASELINE, Archive, Row
from search.running.evaluation import OK
from search.settings import Settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOLDER = "pareto"

#: Columns of pareto.csv before the objectives and the space keys.
COLUMNS = ("genome_id", "origin", "name", "fitness", "harm")

#: The objective that colours the picture; the others are its axes.
COLOURED = "undone"

LABELS = {
    "tail": "worst 5 % of TTFT",
    "tpot": "time per output token",
    "goodput": "requests within their SLO",
    "undone": "work left undone, beyond the baseline's (share)",
}

#: Members of the front and baselines that lose more than this to the primary baseline are not drawn.
SHOWN = 0.6

Points = NDArray[np.float64]


def write_pareto(settings: Settings, archive: Archive) -> None:
    """Write the front of everything that was evaluated, baselines included; nothing for other drivers."""
    if not DRIVERS[settings.driver.name].pareto:
        return
    names = settings.problem.fitness.objectives
    rows = front(archive)
    write_text(settings.run_dir / "pareto.csv", csv_text(rows, names, archive.space_keys))
    for row in rows:
        path = settings.run_dir / FOLDER / f"{row.evaluation.genome_id}.yaml"
        write_text(path, bundle_text(_bundle(settings, row, names)))
    if len(_axes_of(names)) > 1 and rows:
        data = pareto_png(archive, rows, names, list(settings.baselines), settings.primary)
        write_bytes(settings.run_dir / "figures" / "pareto.png", data)


def non_dominated(points: Points) -> NDArray[np.bool_]:
    """[n] whether no other row of `points` [n, objectives] is as small everywhere and smaller somewhere.

    Equal rows do not beat each other.
    """
    kept = np.ones(len(points), dtype=bool)
    for i, point in enumerate(points):
        kept[i] = not np.any(np.all(points <= point, axis=1) & np.any(points < point, axis=1))
    return kept


def front(archive: Archive) -> list[Row]:
    """The different policies with a score that no other policy beats, by their objectives in order."""
    different: dict[str, Row] = {}
    for row in archive.rows:
        if row.evaluation.status == OK:
            different.setdefault(row.evaluation.genome_id, row)
    rows = list(different.values())
    kept = non_dominated(np.array([row.evaluation.objectives for row in rows], dtype=np.float64))
    members = [row for row, member in zip(rows, kept, strict=True) if member]
    return sorted(members, key=lambda row: (row.evaluation.objectives, row.index))


def csv_text(rows: Sequence[Row], names: Sequence[str], space_keys: Sequence[str]) -> str:
    """pareto.csv: one line a member, LF, numbers with every digit; objectives are better the smaller they are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *names, *space_keys])
    for row in rows:
        found = row.evaluation
        labels = [found.genome_id, row.origin, row.name, found.fitness, found.harm]
        writer.writerow([*labels, *found.objectives, *(row.genome.get(key) for key in space_keys)])
    return text.getvalue()


def _bundle(settings: Settings, row: Row, names: Sequence[str]) -> PolicyBundle:
    """The bundle of a member, everything spelled out, with where it came from."""
    assert row.policy is not None  # it has a score
    objectives = dict(zip(names, row.evaluation.objectives, strict=True))
    return replace(row.policy.complete, provenance={"proved": False, "objectives": objectives, "run": origin(settings)})


def pareto_png(
    archive: Archive, members: Sequence[Row], names: Sequence[str], baselines: Sequence[str], primary: str
) -> bytes:
    """A PNG with a panel for the first objective against each of up to two others; the front in colour."""
    from matplotlib.figure import Figure

    x, *others = _axes_of(names)
    shown = others[::-1][:2]
    figure = Figure(figsize=(6.6 * len(shown) + 1.6, 5.4), dpi=130, layout="constrained", facecolor="white")
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    title = f"{len(members)} compromises that nothing tried beats in every objective, against {primary}"
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    colours = baseline_colours(baselines)
    for panel, y in zip(panels, shown, strict=True):
        dots = _draw(panel, archive, members, names, (x, y), colours)
    label = LABELS["undone"] if COLOURED in names else "fitness"
    bar = figure.colorbar(dots, ax=panels, label=label, pad=0.01, fraction=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0)
    handles, texts = panels[0].get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower left", ncols=5, fontsize=9, frameon=False, labelcolor=INK)
    return png(figure)


def _axes_of(names: Sequence[str]) -> list[str]:
    """The objectives that a panel has as axes."""
    return [name for name in names if name != COLOURED]


def _draw(
    axes: Axes, archive: Archive, members: Sequence[Row], names: Sequence[str], pair: tuple[str, str],
    colours: Mapping[str, str],
) -> Any:  # fmt: skip
    """Gains in two objectives: all candidates grey, the front coloured, baselines named; the front's dots."""
    scored = [row for row in archive.rows if row.evaluation.status == OK]
    x, y = (-_column(scored, names, name) for name in pair)
    front_x, front_y = (-_column(members, names, name) for name in pair)
    fitness = np.array([row.evaluation.fitness for row in members], dtype=np.float64)
    hue = _column(members, names, COLOURED) if COLOURED in names else fitness
    named = np.array([row.origin == BASELINE for row in scored], dtype=bool)
    _limit(axes, np.concatenate([x[named], front_x]), np.concatenate([y[named], front_y]))
    axes.scatter(x, y, s=9, color=MUTED, alpha=0.35, linewidths=0, label="candidate")
    dots = axes.scatter(front_x, front_y, s=34, c=hue, cmap="viridis", linewidths=0.4, edgecolors=INK, label="front")
    inside = _inside(axes, x, y)
    for i in np.flatnonzero(named & inside):
        name = scored[i].name
        axes.plot(x[i], y[i], "D", ms=9, mfc="none", mec=colours[name], mew=2, label=name)
    hidden = np.count_nonzero(~inside)
    axes.set_title(f"{hidden} of {len(scored)} candidates lie beyond the edges", loc="left", color=INK, fontsize=10)
    axes.set_xlabel(f"{LABELS.get(pair[0], pair[0])}: gain (0.1 ≈ 10 % better)")
    axes.set_ylabel(f"{LABELS.get(pair[1], pair[1])}: gain")
    dress(axes)
    return dots


def _column(rows: Sequence[Row], names: Sequence[str], name: str) -> Points:
    """An objective of rows that have a score."""
    place = list(names).index(name)
    return np.array([row.evaluation.objectives[place] for row in rows], dtype=np.float64)


def _limit(axes: Axes, x: Points, y: Points) -> None:
    """Show these points, but nothing that is far worse than the baseline."""
    kept = (x > -SHOWN) & (y > -SHOWN)
    for values, set_limits in ((x[kept], axes.set_xlim), (y[kept], axes.set_ylim)):
        low, high = values.min(initial=0.0), values.max(initial=0.0)
        margin = 0.06 * (high - low) + 0.005
        set_limits(low - margin, high + margin)


def _inside(axes: Axes, x: Points, y: Points) -> NDArray[np.bool_]:
    """Which points lie within the limits."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return (left <= x) & (x <= right) & (bottom <= y) & (y <= top)
