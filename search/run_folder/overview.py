"""The picture of a run: how the search converged, and how long requests wait under the winner and the baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from blis.comparison.gain import signed
from blis.comparison.style import INK as INK  # other pictures take these from here, too
from blis.comparison.style import MUTED as MUTED
from blis.comparison.style import different_colours, png
from blis.comparison.style import dress as dress
from blis.evaluation.distribution import Weighted
from blis.files import write_bytes
from search.problem.policy import Policy
from search.running.archive import BASELINE, Archive
from search.running.evaluation import OK
from search.running.evaluator import Evaluator
from search.settings import Settings
from search.verdict.verdict import FAILED, INTERRUPTED, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Report tables whose requests are drawn.
TABLES = 4

WINNER_NAME = "policy found"

#: Steps of a distribution that is drawn: more than its panel has rows of pixels.
STEPS = 1000

#: How far below the best the convergence panel reaches.
SHOWN_LOSS = 0.5

WINNER_COLOUR = "#c2410c"
BASELINE_COLOURS = ("#0969da", "#1a7f6b", "#8250df", "#9a6700", "#57606a", "#bf3989", "#4d8a1f", "#0a3069")

#: What the panels of distributions show.
PANELS = ("time to first token", "gaps between tokens", "end-to-end latency")

#: By policy, in µs, in the order of PANELS.
Latencies = Mapping[str, tuple[Weighted, Weighted, Weighted]]


def baseline_colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a baseline, the same in every picture of a run."""
    return dict(zip(names, different_colours(len(names), BASELINE_COLOURS), strict=True))


def write_overview(settings: Settings, archive: Archive, verdict: Verdict, report: Evaluator) -> None:
    """Write `figures/overview.png`: the policy found beside all baselines, on tables that the search never saw.

    Of a search that was interrupted nothing is simulated for it any more: it shows how far the search got.
    """
    if verdict.outcome == FAILED:  # its policy may not even run
        return
    candidate = None if verdict.outcome == INTERRUPTED else verdict.candidate
    found = {} if candidate is None else latencies({WINNER_NAME: candidate, **settings.baselines}, report)
    compared = verdict.against_primary
    proof = f": {signed(compared.mean)} against {settings.primary}" if compared else ""
    data = overview_png(archive, list(settings.baselines), found, WINNER_NAME, verdict.outcome.capitalize() + proof)
    write_bytes(settings.run_dir / "figures" / "overview.png", data)


def latencies(policies: Mapping[str, Policy], evaluator: Evaluator) -> Latencies:
    """By policy, what all completed requests had to wait, over the first few tables of one that looks closely."""
    found = evaluator.performances(list(policies.values()), evaluator.seeds[:TABLES])
    return {
        name: (
            Weighted.once(np.concatenate([one.closely.ttft_us for one in tables])),
            Weighted.together([one.closely.gaps_us for one in tables]),
            Weighted.once(np.concatenate([one.e2e_us for one in tables])),
        )
        for name, tables in zip(policies, found, strict=True)
    }


def overview_png(archive: Archive, baselines: Sequence[str], found: Latencies, winner: str, title: str) -> bytes:
    """A PNG of convergence and, if latencies are given, distributions of TTFT, of gaps between tokens and of E2E.

    baselines: their names, each with its colour in all panels; `winner` names its entry in `found`.
    """
    from matplotlib.figure import Figure

    colours = baseline_colours(baselines)
    distributions = PANELS if found else ()
    figure = Figure(figsize=(7 + 13 * bool(found), 4.8), dpi=130, layout="constrained", facecolor="white")
    widths = (1.2, *[1.0] * len(distributions))
    panels = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    figure.suptitle(title, color=INK, fontsize=13, fontweight="bold", x=0.01, ha="left")
    _draw_convergence(panels[0], archive, colours)
    for column, label in enumerate(distributions):
        _draw_distribution(panels[1 + column], found, column, label, winner, colours)
    if distributions:
        panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False, labelcolor=INK)
    return png(figure)


def _draw_convergence(axes: Axes, archive: Archive, colours: Mapping[str, str]) -> None:
    """Scores of candidates as dots, the best so far as a line, baselines as level lines with their names."""
    scored = [(row.index, row.evaluation.fitness) for row in archive.rows if row.evaluation.fitness is not None]
    index, score = np.array([i for i, _ in scored]), np.array([value for _, value in scored])
    whole = np.array([row.evaluation.status == OK for row in archive.rows if row.evaluation.fitness is not None])
    by_name = {row.name: row.evaluation.fitness for row in archive.rows if row.origin == BASELINE}
    levels = {name: value for name, value in by_name.items() if value is not None}
    top = max([0.0, *score])
    low = top - SHOWN_LOSS
    axes.scatter(index, score, s=9, color=MUTED, alpha=0.5, linewidths=0, label="candidate")
    if whole.any():
        best = np.maximum.accumulate(score[whole])
        axes.step(index[whole], best, where="post", color=WINNER_COLOUR, linewidth=2.2, label="best so far", zorder=3)
    for name, level in levels.items():
        if level > low:
            axes.axhline(level, color=colours[name], linewidth=1, alpha=0.8)
    axes.set_ylim(low, top + 0.12 * SHOWN_LOSS)
    _label_levels(axes, levels, colours)
    axes.set_title(f"search ({np.count_nonzero(score < low)} candidates lie below)", loc="left", color=INK, fontsize=11)
    axes.set_xlabel("candidate")
    axes.set_ylabel("fitness on the search tables (0.1 ≈ 10 % better)")
    axes.legend(loc="lower right", fontsize=9, frameon=False, labelcolor=INK)
    dress(axes)


def _label_levels(axes: Axes, levels: Mapping[str, float], colours: Mapping[str, str]) -> None:
    """Names at the right of level lines, moved apart where they would overlap; with an arrow if out of sight."""
    low, high = axes.get_ylim()
    gap = 0.05 * (high - low)
    at = low - 0.6 * gap
    for name, level in sorted(levels.items(), key=lambda item: item[1]):
        at = max(level, at + gap)
        text = name if level > low else f"↓ {name} ({signed(level, 2)})"
        axes.annotate(
            text, (1.0, at), xycoords=("axes fraction", "data"), xytext=(4, 0), textcoords="offset points",
            color=colours[name], fontsize=8, va="center",
        )  # fmt: skip


def _draw_distribution(
    axes: Axes, found: Latencies, column: int, label: str, winner: str, colours: Mapping[str, str]
) -> None:
    """Shares that were faster than a time, on a logarithmic time axis; the winner on top."""
    for name, measured in found.items():
        colour, width, layer = (WINNER_COLOUR, 2.2, 3) if name == winner else (colours.get(name, MUTED), 1.1, 2)
        seconds, shares = _thinned(measured[column])
        (line,) = axes.step(seconds, shares, where="post", label=name, color=colour)
        line.set(linewidth=width, zorder=layer)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.01)
    axes.set_title(label, loc="left", color=INK, fontsize=11)
    axes.set_xlabel("seconds")
    axes.set_ylabel("share of gaps" if "gaps" in label else "share of completed requests")
    dress(axes)


def _thinned(times: Weighted) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and shares of a distribution, as many as can be told apart."""
    shares = times.shares
    kept = np.unique(np.searchsorted(shares, np.linspace(0, shares[-1], STEPS))) if len(shares) else slice(0)
    return times.values[kept] / 1e6, shares[kept]
