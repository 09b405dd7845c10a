"""How noisy scores are, and what that does to a search: common requests, length of a table, cheap rungs.

    python -m experiments.noise                              the default problem, about three minutes on two cores
    python -m experiments.noise --policies 40 --seeds 8      smaller
    python -m experiments.noise workload=chat_bursty         any override of the main job

Two sets of policies are scored on tables of several lengths: random ones of the search space, and what a search
looks at towards its end, where the good ones are close together. No table is one of the search's. Three questions:

1. How much does it help that all candidates meet the same requests? Variance of a difference of two policies,
   and the loss from choosing the best of all on one table.
2. How much too good does the best of many look, by length and number of the tables?
3. Do short tables, or fewer instances, rank policies as long tables do? Kendall's tau to the reference, and how
   many of the reference's best tenth are kept by whoever keeps the best quarter of a rung.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import numpy as np

from blis.errors import InputError
from blis.workload.draw.pools import pool_seed
from experiments.noise_measures import (
    SPREAD,
    Floats,
    Gain,
    Rung,
    Scores,
    choice_by_one_table,
    fidelity,
    gain,
    measure,
    neighbours,
    on_rung,
    optimism,
)
from experiments.page import make_figure, markdown_table, publish
from search.application import EXIT_INPUT, EXIT_OK, compose_settings
from search.run_folder.overview import BASELINE_COLOURS, MUTED, WINNER_COLOUR, dress
from search.running.archive import BASELINE
from search.running.checkpoint import begin
from search.running.evaluation import OK
from search.running.loop import run_search
from search.settings import Settings
from search.space.space import Genome, genome_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LENGTHS = (500, 1000, 2000, 4000, 8000)  # requests of a table
SMALL_CLUSTER_LENGTHS = (1000, 2000, 4000)  # for half of the instances at half of the rate
OPTIMISM_LENGTHS = (1000, 2000, 4000, 8000)
REFERENCE_LENGTH = 8000
STANDARD_LENGTH = 4000
SEARCH_SEEDS = 4  # tables of a candidate in the default search

TOP = 20  # policies whose pairs are compared, and neighbours of the best
BUDGET_FACTOR = 3  # candidates of the search for each policy that is taken from its end

RUNG_POOL, REFERENCE_POOL = "noise/rungs", "noise/reference"

RANDOM, SEARCHED = "random", "of a search"


class Study(NamedTuple):
    """All measurements; `sets` says which rows of the scores are which policies."""

    instances: int
    sets: Mapping[str, slice]
    rungs: Mapping[Rung, Scores]
    reference: Scores
    neighbours: Scores

    def fitness(self, requests: int, name: str) -> Floats:
        """[policies of a set, tables] scores on the whole cluster."""
        return self.rungs[Rung(requests, self.instances)].fitness[self.sets[name]]

    def truth(self, name: str) -> Floats:
        """[policies of a set, tables] reference scores."""
        return self.reference.fitness[self.sets[name]]


def conduct(settings: Settings, n_policies: int, n_seeds: int) -> Study:
    """Score all policies on every rung; progress on stderr."""
    space, problem, rng = settings.space, settings.problem, Random(crc32(b"noise/policies"))
    genomes = [space.sample(rng) for _ in range(n_policies)] + searched(settings, n_policies)
    sets = {RANDOM: slice(0, n_policies), SEARCHED: slice(n_policies, len(genomes))}
    seeds = [pool_seed(problem.workload.seed, RUNG_POOL, i) for i in range(n_seeds)]
    fresh = [pool_seed(problem.workload.seed, REFERENCE_POOL, i) for i in range(n_seeds)]
    full = problem.scenario.cluster.instances

    def score(rung: Rung, chosen: Sequence[Genome], tables: Sequence[int]) -> Scores:
        start = time.perf_counter()
        scores = measure(on_rung(problem, rung), chosen, space, tables, settings.workers)
        print(f"{_name(rung)}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
        return scores

    small = [Rung(n, full // 2) for n in SMALL_CLUSTER_LENGTHS if full > 1]
    rungs = {rung: score(rung, genomes, seeds) for rung in [*(Rung(n, full) for n in LENGTHS), *small]}
    reference = score(Rung(REFERENCE_LENGTH, full), genomes, fresh)
    best = genomes[int(np.argmax(reference.fitness.mean(axis=1)))]
    near = score(Rung(STANDARD_LENGTH, full), list(neighbours(space, best, TOP, rng)), seeds)
    return Study(full, sets, rungs, reference, near)


def searched(settings: Settings, n: int) -> list[Genome]:
    """The last `n` different candidates of a search of 3 n. Raises InputError if it had fewer."""
    candidates, evaluator, archive = begin(settings)
    run_search(candidates, evaluator, replace(settings.driver, budget=BUDGET_FACTOR * n), archive)
    own = [row for row in archive.rows if row.origin != BASELINE and row.evaluation.status == OK]
    found = {genome_key(row.genome): row.genome for row in own}
    if len(found) < n:
        raise InputError(f"the search had only {len(found)} different candidates, {n} are needed")
    return list(found.values())[-n:]


def page(study: Study) -> str:
    """The tables."""
    n_policies, n_seeds = study.fitness(STANDARD_LENGTH, RANDOM).shape
    size = f"twice {n_policies} policies, {n_seeds} tables a length"
    return "\n\n".join(
        [
            f"# Noise of scores ({size}; reference: {n_seeds} other tables of {REFERENCE_LENGTH:,} requests)",
            f"## 1. Common requests ({STANDARD_LENGTH:,} a table)",
            _common_requests_table(study),
            _choice_table(study),
            "## 2. Optimism: the best of a set, chosen on short tables",
            _optimism_table(study),
            "## 3. Rungs: do cheap scores rank like long ones?",
            *(_fidelity_table(study, name) for name in study.sets),
        ]
    )


def _common_requests_table(study: Study) -> str:
    goodput = study.rungs[Rung(STANDARD_LENGTH, study.instances)].goodput
    compared = {}
    for name, chosen in study.sets.items():
        top = np.argsort(-study.truth(name).mean(axis=1))[:TOP]
        compared[f"best {TOP} {name}, fitness"] = gain(study.fitness(STANDARD_LENGTH, name)[top])
        compared[f"best {TOP} {name}, log goodput"] = gain(goodput[chosen][top])
    compared[f"neighbours ±{SPREAD:.0%}, fitness"] = gain(study.neighbours.fitness)
    compared[f"neighbours ±{SPREAD:.0%}, log goodput"] = gain(study.neighbours.goodput)
    rows = [_gain_row(name, found) for name, found in compared.items()]
    header = ("pairs among", "sd, own requests", "sd, the same", "variance ratio", "median (quartiles) of pairs")
    return markdown_table(header, rows)


def _gain_row(name: str, found: Gain) -> tuple[str, ...]:
    low, middle, high = found.quartiles
    spread = f"{middle:.1f} ({low:.1f} to {high:.1f})"
    return name, f"{found.sd_own:.4f}", f"{found.sd_same:.4f}", f"{found.pooled:.1f}", spread


def _choice_table(study: Study) -> str:
    rows = []
    for name in study.sets:
        same, own = choice_by_one_table(study.fitness(STANDARD_LENGTH, name))
        rows.append((f"{name}, all on the same", f"{same.optimism:+.4f}", f"{same.regret:.4f}"))
        rows.append((f"{name}, each on its own", f"{own.optimism:+.4f}", f"{own.regret:.4f}"))
    return markdown_table(("best by one table", "optimism", "regret"), rows)


def _optimism_table(study: Study) -> str:
    rows = []
    for name in study.sets:
        for requests in OPTIMISM_LENGTHS:
            for tables in (1, SEARCH_SEEDS):
                found = optimism(study.fitness(requests, name), study.truth(name), tables)
                scores = f"{found.shown:+.3f}", f"{found.same_length:+.3f}", f"{found.reference:+.3f}"
                curse = f"{found.shown - found.same_length:+.4f}"
                rows.append((f"{name}, {tables} x {requests:,}", *scores, curse, f"{found.regret:.4f}"))
    long = f"{REFERENCE_LENGTH:,}"
    header = ("chosen on", "score shown", "on fresh tables", f"on fresh {long}", "optimism", f"regret at {long}")
    return markdown_table(header, rows)


def _fidelity_table(study: Study, name: str) -> str:
    rows = []
    for rung, scores in study.rungs.items():
        found = fidelity(scores.fitness[study.sets[name]], study.truth(name))
        shares = [found.tau_one, found.tau_all, found.tau_best, found.kept_one, found.kept_all]
        rows.append((_name(rung), f"{scores.ms:.1f}", *(f"{share:.2f}" for share in shares), f"{found.bias:+.3f}"))
    n = study.reference.fitness.shape[1]
    header = (f"policies {name}", "ms", "tau, 1 table", f"tau, {n}", f"tau, {n}, best quarter", "kept, 1", f"kept, {n}")
    return markdown_table((*header, "bias of the mean"), rows)


def _name(rung: Rung) -> str:
    return f"{rung.requests:,} requests, {rung.instances} instances"


def picture(study: Study) -> Figure:
    """Optimism by length, ranking by length, and what common requests gain."""
    figure, panels = make_figure("Noise of scores", 3)
    _draw_optimism(panels[0], study)
    _draw_ranking(panels[1], study)
    _draw_common_requests(panels[2], study)
    return figure


def _draw_optimism(axes: Axes, study: Study) -> None:
    for tables, colour in ((1, MUTED), (SEARCH_SEEDS, WINNER_COLOUR)):
        found = [optimism(study.fitness(n, SEARCHED), study.truth(SEARCHED), tables) for n in OPTIMISM_LENGTHS]
        label = f"{tables} table{'s' if tables > 1 else ''}"
        shown_less_true = [f.shown - f.same_length for f in found]
        axes.plot(OPTIMISM_LENGTHS, shown_less_true, "o-", color=colour, label=f"{label}: optimism")
        regret = [f.regret for f in found]
        axes.plot(OPTIMISM_LENGTHS, regret, "s:", color=colour, label=f"{label}: regret at {REFERENCE_LENGTH:,}")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("requests a table")
    axes.set_ylabel("fitness")
    _finish(axes, f"the best {SEARCHED}, chosen by", OPTIMISM_LENGTHS)


def _draw_ranking(axes: Axes, study: Study) -> None:
    for name, marker in ((RANDOM, "o:"), (SEARCHED, "o-")):
        for place, instances in enumerate(sorted({rung.instances for rung in study.rungs}, reverse=True)):
            chosen = {rung: scores for rung, scores in study.rungs.items() if rung.instances == instances}
            taus = [fidelity(s.fitness[study.sets[name]], study.truth(name)).tau_one for s in chosen.values()]
            label = f"{name}, {instances} instances"
            axes.plot([rung.requests for rung in chosen], taus, marker, color=BASELINE_COLOURS[place], label=label)
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), 1.02)
    axes.set_xlabel("requests of the one table")
    axes.set_ylabel("Kendall's tau")
    _finish(axes, f"ranking against {REFERENCE_LENGTH:,} requests", LENGTHS)


def _draw_common_requests(axes: Axes, study: Study) -> None:
    top = np.argsort(-study.truth(SEARCHED).mean(axis=1))[:TOP]
    searched = gain(study.fitness(STANDARD_LENGTH, SEARCHED)[top])
    found = {f"best {TOP} {SEARCHED}": searched, f"neighbours ±{SPREAD:.0%}": gain(study.neighbours.fitness)}
    x = np.arange(len(found))
    axes.bar(x - 0.2, [f.sd_own for f in found.values()], 0.38, color=MUTED, label="each on its own requests")
    axes.bar(x + 0.2, [f.sd_same for f in found.values()], 0.38, color=WINNER_COLOUR, label="on the same requests")
    for i, f in enumerate(found.values()):
        axes.annotate(f"variance / {f.pooled:.1f}", (i + 0.2, f.sd_same), ha="center", va="bottom", fontsize=9)
    axes.set_xticks(x, list(found))
    axes.set_ylabel("sd of the difference of two policies")
    _finish(axes, f"common requests, one table of {STANDARD_LENGTH:,}")


def _finish(axes: Axes, title: str, lengths: Sequence[int] = ()) -> None:
    if lengths:
        axes.set_xscale("log", base=2)
        axes.set_xticks(lengths, [f"{n:,}" for n in lengths])
    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=8, frameon=False)
    dress(axes)


def main(arguments: Sequence[str]) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m experiments.noise", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--policies", type=int, default=80, help="policies of each of the two sets (80)")
    parser.add_argument("--seeds", type=int, default=16, help="tables of each length (16)")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="any override of the main job")
    options = parser.parse_args(arguments)
    try:
        if options.policies < TOP or options.seeds < 2 * SEARCH_SEEDS:
            raise InputError(f"--policies must be at least {TOP} and --seeds at least {2 * SEARCH_SEEDS}")
        study = conduct(compose_settings(options.overrides), options.policies, options.seeds)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_INPUT
    folder = publish("noise", page(study), picture(study))
    print(f"written to {folder}", file=sys.stderr)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
