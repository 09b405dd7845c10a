"""Which search finds better policies for its CPU seconds: every file of conf/driver/, or any sides; several seeds.

    python -m experiments.drivers                              10 seeds x 240 candidates of every driver
    python -m experiments.drivers --seeds 3 --drivers random,deap_ga
    python -m experiments.drivers --side "driver.budget=960 driver.race=null" --side "driver.budget=240"
    python -m experiments.drivers workload=chat_bursty         any override of the main job

The score that counts is that of the policy that a verdict would be about, on fresh tables: rounded, and chosen among
the finalists on the selection tables. A driver that fits the search tables better has not found a better policy.
Searches run side by side in processes with one worker each: measured, that is the fastest, and drivers that draw from
Python's global generator must not share a process.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from blis.comparison.statistics import Comparison, holm, paired_comparison
from blis.errors import InputError, check_choice
from blis.workload.draw.pools import REPORT_POOL, SELECTION_POOL
from experiments.page import make_figure, markdown_table, publish
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.config import choices
from search.run_folder.overview import BASELINE_COLOURS, dress
from search.running.candidates import policy_of
from search.running.checkpoint import begin
from search.running.evaluation import STOPPED
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.settings import Settings
from search.verdict.finalists import best_of, choose_finalists
from search.verdict.judgement import SIGNIFICANCE
from search.workers import Workers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRESH_TABLES = 32
FIRST_SHOWN = 0.05  # of the requests: where curves begin, after the first baselines
PROBES = 16  # policies that are timed for the estimate

Floats = NDArray[np.float64]


class Curve(NamedTuple):
    """One search of n candidates."""

    requests: Floats  # [n] simulated so far, in millions
    best: Floats  # [n] best score so far on the search tables
    fresh: float  # score of the policy chosen, on fresh tables
    cpu_s: float  # of the search


def one_search(overrides: Sequence[str], seed: int) -> Curve:
    """Run a search without verdict and score what it would prove on fresh tables."""
    settings = settings_of(overrides, seed)
    problem = settings.problem
    candidates, evaluator, archive = begin(settings)
    evaluator.evaluate([problem.against])  # makes the tables and loads the kernels
    start = time.process_time()
    run_search(candidates, evaluator, settings.driver, archive)
    cpu_s = time.process_time() - start
    finalists = [finalist.policy for finalist in choose_finalists(settings, archive, evaluator)]
    selection = settings.pool(SELECTION_POOL, settings.validation.selection_seeds)
    chosen = best_of([one.fitness for one in Evaluator(problem, selection, settings.workers).evaluate(finalists)])
    if chosen is None:
        raise InputError(f"{' '.join(overrides)}, seed {seed}: no candidate has a score")
    fresh = Evaluator(problem, settings.pool(REPORT_POOL, FRESH_TABLES), settings.workers)
    score = fresh.evaluate([finalists[chosen]])[0].fitness
    evaluations = [row.evaluation for row in archive.rows]
    first: dict[str, int] = {}
    new = [first.setdefault(e.genome_id, i) == i for i, e in enumerate(evaluations)]
    scores = [-np.inf if e.fitness is None or e.status == STOPPED else e.fitness for e in evaluations]
    sizes = [len(problem.table(key)) / 1e6 for key in problem.search_seeds]
    seen = [
        sum(size for size, value in zip(sizes, e.seed_values, strict=False) if value is not None) for e in evaluations
    ]
    return Curve(
        np.cumsum(np.multiply(new, seen)), np.maximum.accumulate(scores), np.nan if score is None else score, cpu_s
    )


def settings_of(overrides: Sequence[str], seed: int) -> Settings:
    """The settings of one of the searches."""
    return compose_settings([*overrides, f"seed={seed}", "parallel.n_jobs=1", "tracking=none"])


def estimated_seconds(settings: Settings, searches: int, workers: Workers) -> float:
    """How long so many searches will take, from a few random policies on one table."""
    space, problem, rng = settings.space, settings.problem, Random(0)
    policies = [policy_of(space.sample(rng), space, problem) for _ in range(PROBES)]
    evaluator = Evaluator(problem, problem.search_seeds[:1], settings.workers)
    evaluator.evaluate([problem.against])  # makes the table and loads the kernels
    start = time.perf_counter()
    evaluator.evaluate(policies)
    simulation = (time.perf_counter() - start) / PROBES
    selection = settings.validation.finalists * settings.validation.selection_seeds
    simulations = settings.driver.budget * len(problem.search_seeds) + selection + 2 * FRESH_TABLES
    return simulation * simulations * searches / workers.count


Found = Mapping[str, Sequence[Curve]]  # side -> its searches, by seed


def page(found: Found) -> str:
    """The table, best first, and the sentence."""
    rows = []
    for name in ranking(found):
        curves = found[name]
        fresh = fresh_scores(curves)
        rows.append(
            (
                name,
                f"{np.mean([curve.best[-1] for curve in curves]):+.4f}",
                f"{fresh.mean():+.4f}",
                f"{fresh.std(ddof=1) / len(fresh) ** 0.5:.4f}",
                f"{fresh.min():+.4f}",
                f"{np.mean([curve.requests[-1] for curve in curves]):.2f}",
                f"{np.mean([curve.cpu_s for curve in curves]):.1f}",
            )
        )
    header = ("search", "on its tables", "on fresh tables", "standard error", "worst seed", "million requests", "CPU s")
    n_seeds = len(next(iter(found.values())))
    title = f"# Searches compared ({n_seeds} seeds each; means over seeds)"
    return "\n\n".join([title, markdown_table(header, rows), sentence(found)])


def ranking(found: Found) -> list[str]:
    """The sides by their mean score on fresh tables, best first."""
    return sorted(found, key=lambda name: -fresh_scores(found[name]).mean())


def sentence(found: Found) -> str:
    """Which side is best, and than which others that is proved (paired t by seed, Holm)."""
    first, *others = ranking(found)
    if not others:
        return f"Only {first} was run."
    leader = fresh_scores(found[first])
    comparisons = {name: paired_comparison(leader - fresh_scores(found[name]), seed=1) for name in others}
    adjusted = dict(zip(others, holm([c.p_value for c in comparisons.values()]), strict=True))
    beaten = [name for name in others if comparisons[name].mean > 0 and adjusted[name] < SIGNIFICANCE]
    level = [name for name in others if name not in beaten]
    best = f"{first} found the best policies ({leader.mean():+.4f} on fresh tables)"
    return f"{best}: {_proof(beaten, level, comparisons)}."


def fresh_scores(curves: Sequence[Curve]) -> Floats:
    """The scores on fresh tables, by seed."""
    return np.array([curve.fresh for curve in curves])


def _proof(beaten: Sequence[str], level: Sequence[str], comparisons: Mapping[str, Comparison]) -> str:
    """What is proved of the leader, in words."""

    def gain(name: str) -> str:
        c = comparisons[name]
        return f"{name} {c.mean:+.4f} [{c.t_low:+.4f}, {c.t_high:+.4f}]"

    parts = []
    if beaten:
        parts.append(f"significantly better (paired t by seed, Holm) than {', '.join(map(gain, beaten))}")
    if level:
        parts.append(f"not proved to be better (after that correction) than {', '.join(map(gain, level))}")
    return "; ".join(parts)


def picture(found: Found) -> Figure:
    """Best so far against simulated requests, and the scores on fresh tables."""
    figure, (left, right) = make_figure("Searches compared", 2)
    order = ranking(found)
    end = min(curve.requests[-1] for curves in found.values() for curve in curves)
    grid = np.linspace(FIRST_SHOWN * end, end, 200)
    for place, name in enumerate(order):
        colour = BASELINE_COLOURS[place % len(BASELINE_COLOURS)]
        lines = np.array([_at(curve, grid) for curve in found[name]])
        known = np.isfinite(lines).all(axis=0)
        left.plot(grid[known], lines[:, known].mean(axis=0), color=colour, linewidth=1.8, label=name)
        left.fill_between(
            grid[known], lines[:, known].min(axis=0), lines[:, known].max(axis=0), color=colour, alpha=0.10, linewidth=0
        )
        fresh = fresh_scores(found[name])
        right.plot(fresh, np.full(len(fresh), place), "o", color=colour, alpha=0.5, markersize=5)
        right.plot([fresh.mean()], [place], "|", color=colour, markersize=22, markeredgewidth=2.5)
    left.set_xlabel("simulated requests (millions)")
    left.set_ylabel("best score so far on the search tables")
    left.set_title("mean over seeds; shaded: from the worst to the best seed", loc="left", fontsize=10)
    left.legend(fontsize=8, frameon=False, loc="upper left")
    right.set_yticks(range(len(order)), order)
    right.invert_yaxis()
    right.set_xlabel("score of the policy chosen on fresh tables; bar: mean")
    right.set_title("what counts", loc="left", fontsize=10)
    for panel in (left, right):
        dress(panel)
    return figure


def _at(curve: Curve, grid: Floats) -> Floats:
    """The best score at numbers of simulated requests; -inf before the first."""
    place = np.searchsorted(curve.requests, grid, side="right") - 1
    return np.where(place < 0, -np.inf, curve.best[np.maximum(place, 0)])


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.drivers", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="searches of each side (10)")
    parser.add_argument("--budget", type=int, default=240, help="candidates of a search of --drivers (240)")
    parser.add_argument("--drivers", default=",".join(choices("driver")), help="some of conf/driver/ (all)")
    parser.add_argument("--side", action="append", metavar="OVERRIDES", help="instead of --drivers; several times")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="any override of the main job")
    options = parser.parse_args(arguments)
    names = options.drivers.split(",")
    try:
        for name in names:
            check_choice("driver", name, choices("driver"))
        sides = {side: side.split() for side in options.side or ()}
        sides = sides or {name: [f"driver={name}", f"driver.budget={options.budget}"] for name in names}
        if options.seeds < 2:
            raise InputError(f"--seeds must be at least 2, got {options.seeds}")
        workers = Workers(-1, "loky")
        runs = [(name, seed) for name in sides for seed in range(1, options.seeds + 1)]
        tasks = [([*options.overrides, *sides[name]], seed) for name, seed in runs]
        seconds = estimated_seconds(settings_of(*tasks[0]), len(tasks), workers)
        print(
            f"{len(tasks)} searches, about {seconds / 60:.1f} minutes and what drivers need themselves", file=sys.stderr
        )
        found: dict[str, list[Curve]] = {name: [] for name in sides}
        for (name, seed), curve in zip(runs, workers.map(one_search, tasks), strict=True):
            found[name].append(curve)
            print(f"{name}, seed {seed}: {curve.fresh:+.4f} on fresh tables, {curve.cpu_s:.1f} CPU s", file=sys.stderr)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    folder = publish("drivers", page(found), picture(found))
    print(f"written to {folder}", file=sys.stderr)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
