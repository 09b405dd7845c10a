"""Pictures of the search: how it converged, the front of its compromises, how far each number may be moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from blis.comparison.style import GRID, INK, MUTED
from search.explanation.slices import FACTORS
from search.report.finished import Rows
from search.report.svg import (
    GOOD,
    PANEL_INCHES,
    POLICY,
    PRIMARY,
    WIDE_INCHES,
    Picture,
    axes_of,
    picture,
    plain_ticks,
)
from search.run_folder.overview import SHOWN_LOSS
from search.run_folder.pareto import LABELS, SHOWN
from search.running.archive import BASELINE
from search.running.evaluation import OK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES_INCHES = 1.6  # right of the axes, for names of baselines


def convergence(candidates: Rows, primary: str) -> Picture | None:
    """Scores of candidates as dots, the best so far as a line, baselines as level lines; None if there is no score."""
    scored = [row for row in candidates if row.get("fitness")]
    if not scored:
        return None
    index, score = (np.array([float(row[key]) for row in scored]) for key in ("index", "fitness"))
    top = score.max()
    low = min(top - SHOWN_LOSS, -0.2 * top)  # the primary baseline, at 0, is seen in any case
    axes = axes_of(WIDE_INCHES, right=NAMES_INCHES)
    seen = score >= low
    axes.scatter(index[seen], score[seen], s=5, color=MUTED, alpha=0.5, linewidths=0)
    whole = np.array([row["status"] == OK for row in scored])
    axes.step(index[whole], np.maximum.accumulate(score[whole]), where="post", color=POLICY, linewidth=1.8, zorder=3)
    axes.set_ylim(low, top + 0.1 * (top - low))
    _name_levels(axes, {row["name"]: float(row["fitness"]) for row in scored if row["origin"] == BASELINE}, primary)
    axes.set_xlabel("candidate")
    detail = (
        f"on the search tables, among {len(scored)} candidates; {np.count_nonzero(~seen)} lie below. Thin: baselines"
    )
    return picture(axes, "convergence", "Score of the best so far", detail)


def _name_levels(axes: Axes, levels: Mapping[str, float], primary: str) -> None:
    """Level lines with their names at the right, moved apart where they would overlap; none below what is shown."""
    low, high = axes.get_ylim()
    shown = sorted((level, name) for name, level in levels.items() if level >= low)
    for (level, name), at in zip(shown, _apart([level for level, _ in shown], 0.055 * (high - low), high), strict=True):
        colour = PRIMARY if name == primary else MUTED
        axes.axhline(level, color=colour, linewidth=0.8, alpha=0.7)
        axes.annotate(
            name, (1.0, at), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            color=colour, fontsize=7.5, va="center",
        )  # fmt: skip


def _apart(levels: Sequence[float], gap: float, top: float) -> list[float]:
    """Places for labels of rising levels, a gap apart and not above the top: as near as the ones below allow."""
    places: list[float] = []
    for level in levels:
        places.append(max(level, places[-1] + gap) if places else level)
    for i in range(len(places) - 1, -1, -1):
        places[i] = min(places[i], top - (len(places) - 1 - i) * gap)
    return places


def slice_pictures(slices: Mapping[str, Mapping[str, Any]]) -> Iterator[Picture]:
    """The score along each number: the plateau as a band, the policy's own value as a dot, the cliff as a line."""
    for place, (key, found) in enumerate(slices.items()):
        pairs = zip(found["values"], found["scores"], strict=True)
        known = [(at, score) for at, score in pairs if score is not None and at > 0]
        if not known:
            continue
        axes = axes_of()
        axes.axvspan(*found["plateau"], color=GOOD, linewidth=0)
        axes.axhline(0, color=PRIMARY, linewidth=0.8)
        axes.plot(*zip(*known, strict=True), color=POLICY, linewidth=1.4, marker=".", markersize=4)
        axes.plot(found["value"], dict(known)[found["value"]], "o", color=POLICY, markersize=6)
        if found["cliff"] is not None:
            axes.axvline(found["cliff"] * found["value"], color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.set_xscale("log")
        plain_ticks(axes, "x")
        axes.set_ylim(bottom=_shown_from([score for _, score in known], dict(known)[found["value"]]))
        yield picture(axes, f"slice {place}", key, f"{found['value']:.4g}; {_cliff_words(found)}")


def _shown_from(scores: Sequence[float], own: float) -> float:
    """The lower edge of a slice: whoever falls far below the baseline leaves it, so that the plateau can be seen."""
    low = max(min(scores), -own)
    return min(low, 0.0) - 0.06 * (max(scores) - low)


def _cliff_words(found: Mapping[str, Any]) -> str:
    """How far away the nearest cliff is."""
    if found["cliff"] is None:
        return f"no cliff from ×\u202f{FACTORS[0]:g} to {FACTORS[-1]:g}"
    return f"cliff at ×\u202f{found['cliff']:.2g}"


def front_pictures(front: Rows, objectives: Sequence[str]) -> Iterator[Picture]:
    """Gains of the compromises in the first objective against each other one; the primary baseline is at 0, 0."""
    first = objectives[0] if objectives else ""
    for other in objectives[1:] if front else ():
        x, y = (np.array([-float(row[name]) for row in front]) for name in (first, other))
        kept = (x > -SHOWN) & (y > -SHOWN)
        axes = axes_of(PANEL_INCHES)
        axes.axhline(0, color=GRID, linewidth=1.2)
        axes.axvline(0, color=GRID, linewidth=1.2)
        axes.plot(x[kept], y[kept], "o", color=POLICY, markersize=3.5, markeredgewidth=0)
        axes.plot(0, 0, "D", color=PRIMARY, markersize=6, markerfacecolor="none")
        axes.set_xlabel(LABELS.get(first, first))
        hidden = "" if kept.all() else f"{np.count_nonzero(~kept)} of {len(front)} far below"
        yield picture(axes, f"front {other}", LABELS.get(other, other), hidden)
