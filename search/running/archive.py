"""Every evaluation of a search in the order it was asked, and the table of it that users keep."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from search.problem.policy import Policy
from search.running.evaluation import OK, Evaluation
from search.space.parameters import Value
from search.space.space import Genome

BASELINE = "baseline"  # origin of a policy that was given, not searched

#: So many candidates in a row that are all known say that there are no others; drivers try hard to find some.
STALE = 24

#: Columns of candidates.csv before and after the fitness's terms (default-problem.md section 4).
LABELS = ("index", "generation", "origin", "name", "genome_id", "status", "reason", "fitness")
UNDONE_AND_HARM = ("u", "harm")


@dataclass(frozen=True)
class Row:
    """One evaluation.

    genome: empty for a given policy outside the space. policy: None if the genome is no policy. name: of a given one.
    """

    index: int
    generation: int
    origin: str
    genome: Genome
    policy: Policy | None
    evaluation: Evaluation
    name: str = ""


@dataclass
class Archive:
    """The rows of a search. space_keys, terms: the columns of genomes and of what a score is made of, in order."""

    space_keys: tuple[str, ...]
    terms: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    def best(self) -> Row | None:
        """The row with the highest fitness, the first of equals; baselines count."""
        return max(self._scored(), key=_fitness, default=None)

    def best_of_generation(self, generation: int) -> tuple[float, float] | None:
        """Highest and median fitness of a generation, None if nothing in it has a score."""
        scores = [_fitness(row) for row in self._scored() if row.generation == generation]
        return (max(scores), median(scores)) if scores else None

    def top(self, n: int, status: str = OK) -> list[Row]:
        """The `n` best different policies that the search found itself, best first; the first of equals.

        status: OK, or STOPPED: the best by their estimates of those that a race stopped.
        """
        baselines = {row.evaluation.genome_id for row in self.rows if row.origin == BASELINE}
        found: dict[str, Row] = {}
        for row in sorted(self._scored(status), key=lambda row: (-_fitness(row), row.index)):
            if row.evaluation.genome_id not in baselines:
                found.setdefault(row.evaluation.genome_id, row)
        return list(found.values())[:n]

    def exhausted(self) -> bool:
        """Whether the search has nothing new to try: for some time it asked only for what had been asked before."""
        earlier = {row.evaluation.genome_id for row in self.rows[:-STALE]}
        last = self.rows[-STALE:]
        return bool(earlier) and all(row.origin != BASELINE and row.evaluation.genome_id in earlier for row in last)

    def csv_text(self) -> str:
        """candidates.csv: one line a row, LF, numbers with every digit, blank where there is nothing."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        n_seeds = max((len(row.evaluation.seed_values) for row in self.rows), default=0)
        seeds = [f"seed_{i}" for i in range(n_seeds)]
        worlds = list(dict.fromkeys(name for row in self.rows for name in row.evaluation.worlds))
        writer.writerow([*LABELS, *self.terms, *UNDONE_AND_HARM, *seeds, *worlds, *self.space_keys])
        writer.writerows(self._cells(row, n_seeds, worlds) for row in self.rows)
        return text.getvalue()

    def _cells(self, row: Row, n_seeds: int, worlds: Sequence[str]) -> list[str]:
        found = row.evaluation
        numbers = [found.fitness, *(found.terms.get(name) for name in self.terms), found.undone, found.harm]
        seeds = list(found.seed_values) or [None] * n_seeds
        elsewhere = [found.worlds.get(name) for name in worlds]
        asked = [str(row.index), str(row.generation), row.origin, row.name]
        labels = [*asked, found.genome_id, found.status, found.reason]
        return [
            *labels,
            *map(_cell, [*numbers, *seeds, *elsewhere]),
            *(_cell(row.genome.get(key)) for key in self.space_keys),
        ]

    def _scored(self, status: str = OK) -> Sequence[Row]:
        """Those that saw all tables; what a race stopped has an estimate."""
        return [row for row in self.rows if row.evaluation.status == status]


def _fitness(row: Row) -> float:
    """The fitness of a row that has one."""
    assert row.evaluation.fitness is not None  # OK and STOPPED say so
    return row.evaluation.fitness


def _cell(value: Value | None) -> str:
    """A number with every digit, a text as it is, nothing as blank."""
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
