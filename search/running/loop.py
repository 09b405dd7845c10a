"""The generation loop: take candidates, evaluate, tell, write down, until the budget is spent."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from search.config import DriverSettings, RaceSettings
from search.problem.policy import ID_DIGITS
from search.running.archive import Archive, Row
from search.running.candidates import Candidate, Candidates
from search.running.evaluation import INVALID, Evaluation
from search.running.evaluator import Evaluator
from search.running.race import make_race
from search.space.space import Genome, genome_key


class Listener(Protocol):
    """Who follows a search."""

    def generation(self, archive: Archive, generation: int) -> None:
        """A generation is done and in the archive."""


def run_search(
    candidates: Candidates,
    evaluator: Evaluator,
    limits: DriverSettings,
    archive: Archive,
    listeners: Sequence[Listener] = (),
) -> None:
    """Fill `archive` generation by generation; whatever interrupts it, every finished generation is there.

    An archive that is not empty is continued (a resumed search). A budget of seconds ends the search after
    the generation in which it runs out; the seconds before a resumption do not count. So does a space that has
    nothing new any more.
    """
    started = time.monotonic()
    for generation in count(archive.rows[-1].generation + 1 if archive.rows else 0):
        size = min(limits.batch, limits.budget - len(archive.rows))
        late = limits.seconds is not None and time.monotonic() - started > limits.seconds
        if size <= 0 or (generation and late) or archive.exhausted():
            return
        batch = candidates.take(size)
        race = None if evaluator.problem.worlds else limits.race
        evaluations = _evaluate(batch, evaluator, [row.evaluation for row in archive.rows], race)
        candidates.tell(batch, evaluations)
        archive.rows += [
            Row(index, generation, one.origin, one.genome, one.policy, evaluation, one.name)
            for index, (one, evaluation) in enumerate(zip(batch, evaluations, strict=True), len(archive.rows))
        ]
        for listener in listeners:
            listener.generation(archive, generation)


def _evaluate(
    batch: Sequence[Candidate], evaluator: Evaluator, earlier: Sequence[Evaluation], settings: RaceSettings | None
) -> list[Evaluation]:
    """Evaluations of a batch in its order; a candidate that is no policy is `invalid` without a simulation.

    Given policies see all tables; with the earlier candidates they are what the others are raced against.
    """
    given = [one.policy for one in batch if one.name and one.policy is not None]
    race = make_race(settings, [*earlier, *evaluator.evaluate(given)])
    scored = iter(evaluator.evaluate([one.policy for one in batch if one.policy is not None], race))
    return [
        next(scored) if candidate.policy is not None else invalid(candidate.genome, candidate.reason)
        for candidate in batch
    ]


def invalid(genome: Genome, reason: str) -> Evaluation:
    """The evaluation of a genome that is no policy; its id is the genome's, as there is no bundle."""
    digest = hashlib.sha256(genome_key(genome).encode()).hexdigest()
    return Evaluation(digest[:ID_DIGITS], INVALID, reason)
