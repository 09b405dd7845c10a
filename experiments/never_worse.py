"""Is what a search exports ever worse than what runs today, and are its intervals as wide as they say?

    python -m experiments.never_worse                          60 searches of 48 candidates
    python -m experiments.never_worse --searches 20 --budget 960
    python -m experiments.never_worse --placebo --searches 100 a search where there is nothing to find
    python -m experiments.never_worse workload=chat_overload   any override of the main job

Every search has a population, a driver seed and a report of its own, as if another user had run it. What it exports
meets the primary baseline once more on 256 tables that nothing has seen: that mean stands for the truth. With
`--placebo` every policy is simulated as one and the same rule with random draws of its own, so that policies differ
in every request and are equal in law: whatever is proved then is an error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from blis.config import Scenario
from blis.engine.run import simulate
from blis.errors import InputError
from blis.tables.requests import RequestTable
from blis.tables.results import ResultTable
from experiments.page import make_figure, markdown_table, publish
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.run_folder.overview import BASELINE_COLOURS, INK, MUTED, dress
from search.running.checkpoint import begin
from search.running.evaluation import STOPPED
from search.running.evaluator import Evaluator
from search.running.loop import run_search
from search.settings import Settings
from search.verdict.advice import CANDIDATE, KEEP, RULE
from search.verdict.holdout import make_holdout
from search.verdict.judgement import HARDLY_WORTH, WINNER
from search.verdict.validation import validate
from search.workers import Workers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRESH_TABLES = 256
FRESH_POOL = "pool/never-worse"

#: What a search asks for: nothing that does not decide what is exported. Under a placebo routing alone may differ, and
#: short tables do: that nothing is there to be found does not depend on their length.
LEAN = (
    *("parallel.n_jobs=1", "tracking=none", "validation.explain=false", "validation.robust=false"),
    *("validation.saving=false", "validation.random_policies=0"),
)
PLACEBO = (
    *("search_space=routing_weights", "validation.tuned_knobs_share=0", "workload.rate_scale=0.6"),
    *("workload.first=1000", "baselines=[llm-d-default,round-robin,lmetric]"),
)
PLACEBO_RULE = "power-of-two"


class Found(NamedTuple):
    """What one search exported. reported: mean and interval in its verdict, None if nothing is to be changed.

    fresh: mean against the primary on the fresh tables and its standard error; 0 if nothing is to be changed. stopped:
    share of the candidates after the first generation that a race stopped.
    """

    kind: str
    better: bool  # the verdict on the policy that was found
    reported: tuple[float, float, float] | None
    fresh: tuple[float, float]
    stopped: float = 0.0

    @property
    def covered(self) -> bool:
        """Whether the fresh mean lies in the reported interval."""
        return self.reported is not None and self.reported[1] <= self.fresh[0] <= self.reported[2]

    @property
    def worse(self) -> bool:
        """Whether it is proved to be worse than the primary (95 % on each side, on the fresh tables)."""
        return self.fresh[0] + 1.96 * self.fresh[1] < 0


def placebo(scenario: Scenario, table: RequestTable) -> ResultTable:
    """The same rule for every policy, with random draws that follow from the policy's routing."""
    routing = scenario.cluster.routing
    drawn = replace(table, uniform=table.draws(f"placebo/{routing!r}"), cache={})
    rule = replace(routing, policy=PLACEBO_RULE, scorers=(), parameters={}, filters=())
    return simulate(replace(scenario, cluster=replace(scenario.cluster, routing=rule)), drawn)


def one_search(overrides: Sequence[str], seed: int, budget: int, without_effect: bool) -> Found:
    """Search once, judge, and compare what is exported on fresh tables."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(overrides, seed, budget, without_effect, Path(folder))
        candidates, evaluator, archive = begin(settings)
        holdout = make_holdout(settings)
        run_search(candidates, evaluator, settings.driver, archive)
        verdict = validate(settings, archive, evaluator, holdout)
        advice, against = verdict.advice, verdict.advice.against
        better = verdict.outcome in (WINNER, HARDLY_WORTH)
        raced = [row.evaluation.status == STOPPED for row in archive.rows if row.generation]
        stopped = sum(raced) / max(len(raced), 1)
        if advice.kind == KEEP or against is None or against.bounds is None:
            return Found(KEEP, better, None, (0.0, 0.0), stopped)
        problem = settings.problem
        fresh = Evaluator(problem, settings.pool(FRESH_POOL, FRESH_TABLES), settings.workers)
        scores = np.array(fresh.evaluate([advice.policy])[0].seed_values, np.float64)
        truth = float(scores.mean()), float(scores.std(ddof=1)) / len(scores) ** 0.5
        return Found(advice.kind, better, (against.mean, *against.bounds), truth, stopped)


def settings_of(overrides: Sequence[str], seed: int, budget: int, without_effect: bool, folder: Path) -> Settings:
    """The settings of one of the searches. Raises InputError."""
    own = [*LEAN, *(PLACEBO if without_effect else ()), f"workload.seed={seed}", f"seed={seed}"]
    settings = compose_settings([*own, f"driver.budget={budget}", *overrides], folder)
    return replace(settings, problem=replace(settings.problem, simulate=placebo)) if without_effect else settings


def page(found: Sequence[Found], budget: int, without_effect: bool) -> str:
    """The table and what it says."""
    rows = []
    for kind in (CANDIDATE, RULE, KEEP):
        these = [one for one in found if one.kind == kind]
        told = [one for one in these if one.reported is not None]
        reported = np.mean([one.reported[0] for one in told if one.reported]) if told else None
        means = [one.fresh[0] for one in these]
        rows.append(
            (
                kind,
                str(len(these)),
                "" if reported is None else f"{reported:+.4f}",
                f"{np.mean(means):+.4f}" if told else "",
                f"{min(means):+.4f}" if told else "",
                str(sum(one.worse for one in these)),
                f"{sum(one.covered for one in told)} of {len(told)}" if told else "",
            )
        )
    header = ("exported", "searches", "reported", "on fresh tables", "the lowest", "proved worse", "in the interval")
    world = " of policies that are equal in law" if without_effect else ""
    title = f"# Never worse ({len(found)} searches of {budget} candidates{world}, {FRESH_TABLES} fresh tables)"
    return "\n\n".join([title, markdown_table(header, rows), sentence(found)])


def sentence(found: Sequence[Found]) -> str:
    """How often something was proved, how often that was wrong, and how many candidates were not seen to the end."""
    changed = [one for one in found if one.kind != KEEP]
    better, worse = sum(one.better for one in found), sum(one.worse for one in changed)
    told = f"The policy found was called better in {better} of {len(found)} searches, and something else than the"
    wrong = f"{worse} times proved to be worse than it on fresh tables"
    stopped = f"{np.mean([one.stopped for one in found]):.1%} of the candidates after the first generation"
    return f"{told} primary exported in {len(changed)}: {wrong}. A race stopped {stopped}."


def picture(found: Sequence[Found], without_effect: bool) -> Figure:
    """Every reported interval and what fresh tables say, the lowest first."""
    title = "Policies that are equal in law" if without_effect else "What is exported, reported and on fresh tables"
    figure, (panel,) = make_figure(title, 1)
    told = sorted((one for one in found if one.reported is not None), key=lambda one: one.fresh[0])
    for place, one in enumerate(told):
        assert one.reported is not None
        colour = BASELINE_COLOURS[0 if one.kind == CANDIDATE else 1]
        panel.plot([place, place], one.reported[1:], color=colour, linewidth=2, alpha=0.5)
        panel.plot([place], [one.fresh[0]], "o", color=INK, markersize=3)
    panel.axhline(0, color=MUTED, linewidth=1)
    panel.set_xlabel("searches that export another policy; lines: the interval reported, dots: fresh tables")
    panel.set_ylabel("score against the primary baseline")
    dress(panel)
    return figure


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m experiments.never_worse", description=about)
    parser.add_argument("--searches", type=int, default=60, help="searches, each with a population of its own (60)")
    parser.add_argument("--budget", type=int, default=48, help="candidates of a search (48)")
    parser.add_argument("--placebo", action="store_true", help="policies that are equal in law")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="any override of the main job")
    options = parser.parse_args(arguments)
    try:
        if options.searches < 1:
            raise InputError(f"--searches must be at least 1, got {options.searches}")
        seeds = range(1, options.searches + 1)
        tasks = [(options.overrides, seed, options.budget, options.placebo) for seed in seeds]
        found: list[Found] = []
        for one in Workers(-1, "loky").map(one_search, tasks):
            found.append(one)
            told = "" if one.reported is None else ", reported {:+.4f} [{:+.4f}, {:+.4f}]".format(*one.reported)
            print(f"search {len(found)}: {one.kind}{told}, fresh {one.fresh[0]:+.4f}", file=sys.stderr)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    name = "never_worse_placebo" if options.placebo else "never_worse"
    folder = publish(name, page(found, options.budget, options.placebo), picture(found, options.placebo))
    print(f"written to {folder}", file=sys.stderr)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
